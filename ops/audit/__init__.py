"""The audit trail from the command line.

audit
├── commands.py           the commands that prove it
├── reading_commands.py   those that show what it says
├── objects.py            where it lies: in the bucket,
├── folder.py               or in a copy of it on disk
├── needed.py             which of its objects a verification needs
├── verify.py             whether it is what was written
├── public_key.py           with which key
├── fetch.py              a copy of it
├── attest.py             a manifest now
├── reading.py            its events
├── proof.py                what vouches for them
├── proven.py               that, as it is asked for
├── distinct.py             each once, in order
├── selection.py          which of them are wanted
├── telling.py            one on a line
├── search.py             those of the past, also as OCSF
├── tail.py               those to come
├── exposure.py           what stood in clear, from when to when
├── holders.py              what may hold it still
├── copies.py               what AWS tells of backups and streams
└── exposures.py            all that on the screen
"""
