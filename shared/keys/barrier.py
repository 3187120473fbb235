"""How long after a data key ceased to be active a write under it may still arrive.

A census that begins after that sees every such write; one that began earlier could be falsified by it.
"""

from __future__ import annotations

from typing import Final

from shared.keys.age import MAX_AGE_SECONDS

CALLS_SECONDS: Final = 60
"""Between the time that a new key's row names and the landing of the transaction that makes it active: two calls."""
LONGEST_FUNCTION_SECONDS: Final = 900
"""Who seals looks at a key's age before it sends, and can be held up after that for as long as the function lives."""
SIGNATURE_SECONDS: Final = 900
"""How long S3 takes a request after it was signed, a quarantined record's put among them; DynamoDB takes it for 300."""
CLOCK_SKEW_SECONDS: Final = 120

BARRIER_SECONDS: Final = (
    CALLS_SECONDS + MAX_AGE_SECONDS + LONGEST_FUNCTION_SECONDS + SIGNATURE_SECONDS + CLOCK_SKEW_SECONDS
)
