"""Records in quarantine from the command line; their content is opened here by `show --open` alone.

quarantine
├── commands.py   the commands and their options
├── index.py      entries as the index knows them, and which of them are meant
├── listing.py    `list`
├── decide.py     `redrive`, `discard`: which entries, and what came of them
├── rounds.py     the redriver does it, some entries a call
├── show.py       `show`
└── content.py    an entry's records, opened with the operator's own credentials
"""
