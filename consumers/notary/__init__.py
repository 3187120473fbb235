"""The notary Lambda: every few minutes a manifest, by which anybody can tell that segments are what they were.

| module | what |
| --- | --- |
| `ports` | the bucket and the signing keys, as the notary needs them |
| `earlier` | reads back the manifests that the next one continues, and does not believe them |
| `newer` | finds and reads the segments that none of them lists |
| `notary` | writes the next one |
| `report` | metrics, and an event where something is not as it was written |

The format, and what a manifest proves: docs/audit_trail.md.
"""
