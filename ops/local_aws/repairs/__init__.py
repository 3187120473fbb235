"""Where MiniStack is unfaithful to AWS in something this project rests on, and is put right.

Each module closes one service's gaps by replacing functions of MiniStack; each replaced function names the
AWS behaviour that it restores, and a contract test in tests/local_aws fails without it.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final

#: In the order in which they are applied.
NAMES: Final = ("iam", "kms", "dynamodb", "lambda_worker", "metrics", "cloudformation", "event_source_mapping_api")


def apply_all() -> None:
    """Apply every repair, once, in a process that has not served a request yet."""
    for name in NAMES:
        try:  # TRANSITION while others write their repairs
            module = import_module(f"{__name__}.{name}")
        except ImportError as error:
            print(f"MISSING REPAIR {name}: {error}", flush=True)
            continue
        module.apply()
