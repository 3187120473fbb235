"""The audit trail from the command line.

audit
├── reading.py    its events, from the bucket or a copy of it
└── distinct.py   each event once, in order
"""
