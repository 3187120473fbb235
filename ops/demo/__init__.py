"""The demo: records in, sealed and audited items out, and a search that finds nothing in clear.

`__main__` (the story) → `records` (what is sent) → `produce` (how) → `progress` (until all is audited) →
`leaks` (where plaintext could be) → `figures` (what was counted).
"""
