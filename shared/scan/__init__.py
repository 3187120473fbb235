"""One segmented scan over everything that holds sealed values, and what looks at it: a visitor.

scan
├── invocation.py    one invocation of a worker
├── work.py          which scan a run asks for
├── segment.py       one segment, page by page, a cursor stored after each
├── pace.py          so many items a second
├── tally.py         what was counted, bounded
├── key_states.py    states of data keys, none older than the scan
├── item_sweep.py    mends items             ─ held_sweep.py    objects in quarantine
└── item_census.py   counts what they hold   ─ held_census.py   objects in quarantine

A third visitor of items is the auditor's (`consumers.auditor.standing`).

| counted | by | what |
| --- | --- | --- |
| `visited` | all | items, or objects (for a destruction: versions of them) |
| `mended`, `left`, `retry` | sweep | elements by what became of them; the rest needed nothing |
| `reencrypted_values`, `sealed_values` | sweep | values that were sealed anew; for the first time |
| `sealed_values` | census | sealed values, whatever they lie under |
| `stale_values` | census | of these: under a key that is not active, or of another class than the policy's |
| `unknown_values` | census | of these: under a key that the tenant has not, or whose row cannot be read |
| `clear_values` | census | in clear where the policy seals, be it that a sweep seals it or leaves it as it is |
| `left` | census | elements with something that a sweep leaves as it is |
| `verified`, `stale`, `plaintext`, `malformed`, `undeclared` | reconciliation | items by verdict |
| `unjudged` | reconciliation | items that met an error that nobody foresaw |
| `sent` | reconciliation | items whose keys went to the findings queue |
| `would_seal:<path> (<class>)` | survey | of `clear_values`: those that an adoption would seal |
"""
