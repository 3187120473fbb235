"""What AWS asks: on-demand list prices of us-east-1, US dollars; the one place that they stand in.

Free tiers, discounts for much and savings plans are left out. None was held against AWS's pages when written here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

AS_OF: Final = "2025-06"
"""As they were remembered then. Look them up before you rely on them: they change, and other regions have others."""

PER_MILLION: Final[Mapping[str, float]] = {
    "API Gateway HTTP request": 1.00,
    "DynamoDB read request unit": 0.125,
    "DynamoDB write request unit": 0.625,
    "KMS request": 3.00,
    "KMS signature": 15.00,
    "Lambda GB-second, arm64": 13.3334,
    "Lambda request": 0.20,
    "S3 put": 5.00,
    "SQS request": 0.40,
}
PER_GB: Final[Mapping[str, float]] = {
    "CloudWatch Logs, taken in": 0.50,
    "Kinesis on demand, in": 0.08,
    "Kinesis on demand, out": 0.04,
    "Kinesis on demand, kept a month": 0.10,
}
"""A month of keeping is for what is older than a day and at most a week; what is older costs less."""
PER_HOUR: Final[Mapping[str, float]] = {"Kinesis on demand, stream": 0.04}
LIST: Final[Mapping[str, float]] = {**PER_MILLION, **PER_GB, **PER_HOUR}
