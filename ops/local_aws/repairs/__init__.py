"""Where MiniStack is unfaithful to AWS in something this project rests on, and is put right.

Each module closes gaps of one concern by replacing functions of MiniStack; each replaced function names the AWS
behaviour that it restores, and a contract test in tests/local_aws fails without it.
"""

from __future__ import annotations

from ops.local_aws.repairs import (
    cloudformation,
    dynamodb,
    dynamodb_scan,
    event_source_mapping_api,
    http_api,
    iam,
    kinesis_iterators,
    kinesis_listing,
    kinesis_shards,
    kms,
    lambda_bundles,
    lambda_libraries,
    lambda_worker,
    logs,
    metrics,
    queue_delivery,
    s3_encryption,
    s3_versions,
    step_functions,
    watching,
)


def apply_all() -> None:
    """Apply every repair, once, in a process that has not served a request yet."""
    for repair in (
        iam,
        kinesis_shards,
        kinesis_listing,
        kinesis_iterators,
        kms,
        dynamodb,
        dynamodb_scan,
        lambda_worker,
        lambda_libraries,
        lambda_bundles,
        logs,
        metrics,
        queue_delivery,
        http_api,
        s3_encryption,
        s3_versions,
        step_functions,
        watching,
        cloudformation,
        event_source_mapping_api,
    ):
        repair.apply()
