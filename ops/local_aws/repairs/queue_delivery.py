"""SQS: what a service delivers to an encrypted queue passes the queue's key too."""

from __future__ import annotations

from typing import Final

from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy
from ministack.core.responses import get_region
from ministack.services import kms, sqs

#: What a producer needs of the key of a queue that it sends to.
_PERMISSIONS: Final = ("kms:GenerateDataKey", "kms:Decrypt")

_stock_queue_policy_allows = sqs.queue_policy_allows


def apply() -> None:
    """Ask the key wherever a queue's policy is asked about a service."""
    sqs.queue_policy_allows = queue_policy_allows


def queue_policy_allows(queue_arn: str, service: str, source_arn: str, source_account: str) -> bool:
    """AWS: S3 and SNS reach an encrypted queue only where its key's policy lets them; stock looks at the queue's."""
    if not _stock_queue_policy_allows(queue_arn, service, source_arn, source_account):
        return False
    reference = sqs._queue_by_arn(queue_arn)["attributes"].get("KmsMasterKeyId")
    if not reference:
        return True
    key = kms._resolve_key(reference)
    return key is not None and all(_allows(key, action, service, source_arn, source_account) for action in _PERMISSIONS)


def _allows(key: dict[str, str], action: str, service: str, source_arn: str, source_account: str) -> bool:
    context = EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action=action,
        resource_arn=key["Arn"],
        region=get_region(),
        service_context={"aws:sourcearn": source_arn, "aws:sourceaccount": source_account},
    )
    decision: str = evaluate_resource_policy(key.get("Policy") or "", context, service=service).decision
    return decision == "Allow"
