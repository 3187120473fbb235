"""Runs from the command line: what was asked is begun, or joined; driven or followed to its end; and reported.

runs
├── commands.py      the commands and their options
├── options.py       what a run is begun with
├── wiring.py        ports from the environment        ─ machine.py     Step Functions
├── driver.py        begin, then one of:               ─ answers.py     what the functions answer
│   ├── local.py         every step from here, the scan by threads
│   └── follow.py        a state machine does it; look on
├── watch.py         how far it is, how fast, until when
├── display.py       the same as JSON lines            ─ live.py                    and as a bar in a terminal
├── cancel.py        a run is called off              ─ status.py                  or shown
└── view.py          a run with all that was counted   ─ verdict.py, report.py      and how it is told
"""
