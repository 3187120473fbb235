"""The source stream read again through the encryptor's own path, from the command line.

replay
├── commands.py   the command and its options
├── shards.py     which shards there are, and whose turn it is: parents before their children
├── replay.py     workers invoke the redriver, step by step
└── report.py     how far it is, and what came of it
"""
