"""Kinesis batch in, sealed items out.

The path of one record: `handler` → `deaggregate` → `shared.decode` → `identify` → `sealing` → `writing`; what can never
be written goes to `quarantine`. `batch` composes them, `settling` applies what was decided, and every record is
accounted for in `results`.
"""
