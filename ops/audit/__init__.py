"""The audit trail from the command line.

audit
├── folder.py     a copy of the bucket, on disk
├── reading.py    its events, from the bucket or a copy of it
└── distinct.py   each event once, in order
"""
