"""Objects of the landing bucket from the command line.

ingest
├── commands.py   the commands and their options
├── named.py      which version of which object is meant
├── status.py     `status`: how far an object is
└── again.py      `again`: its message is sent anew
"""
