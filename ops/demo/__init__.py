"""The demo: records in, sealed and audited items out, all data keys rotated, and a search that finds nothing in clear.

`__main__` (begins, ends) → `story` (in what order) → `records`, `samples` (what is sent) → `produce` (how), `doors` (a
file, and two tenants by the API) → `progress` (until all is audited) → `rogue` (found in clear, sealed) → `rotation`
(all sealed anew) → `evidence`, `leaks` (where plaintext could be) → `promises` (what must be so).
"""
