"""Dead letters from the command line: positions in a stream, and findings, that were given up on.

deadletter
├── commands.py   the commands and their options
├── letter.py     what a message says; pure
├── queues.py     the queues, and the messages that a command holds for a while
├── listing.py    `list`
├── redrive.py    `redrive`: the function reads the records again, or findings go back to their queue
└── skip.py       `skip`
"""
