"""CloudFormation: properties that MiniStack takes and drops are applied, on create and on update."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from ministack.core.responses import get_region
from ministack.services import dynamodb, kinesis, lambda_svc, s3, stepfunctions
from ministack.services.cloudformation import provisioners

from ops.local_aws.repairs.step_functions import settings_of

Properties = Mapping[str, Any]


def apply() -> None:
    """Follow each type's own handlers by one that applies what they drop."""
    _follow("AWS::DynamoDB::Table", _table)
    _keep_updated_global_tables()
    _follow("AWS::DynamoDB::GlobalTable", _global_table)
    _follow("AWS::Kinesis::Stream", _stream)
    provisioners._S3_BUCKET_CONFIGURATIONS += (
        ("BucketEncryption", _encryption_xml, s3._put_bucket_encryption, s3._delete_bucket_encryption),
    )
    _follow("AWS::S3::Bucket", _bucket)
    _follow("AWS::Lambda::Function", _function)
    _follow("AWS::StepFunctions::StateMachine", _state_machine)


def _follow(resource_type: str, complete: Callable[[str, Properties], None]) -> None:
    handlers = provisioners._RESOURCE_HANDLERS[resource_type]
    stock_create, stock_update = handlers["create"], handlers["update"]

    def create(logical_id: str, properties: Properties, *rest: Any, **options: Any) -> Any:
        created = stock_create(logical_id, properties, *rest, **options)
        complete(created[0], properties)
        return created

    def update(physical_id: str, old: Properties, new: Properties, *rest: Any, **options: Any) -> Any:
        updated = stock_update(physical_id, old, new, *rest, **options)
        complete(updated[0], new)
        return updated

    handlers["create"], handlers["update"] = create, update


def _keep_updated_global_tables() -> None:
    """AWS: an update that needs no replacement keeps a global table, which is what the CDK's TableV2 makes.

    Stock forgets the logical id, derives another name from the physical one, and puts an empty table in its place.
    """
    handlers = provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::GlobalTable"]
    handlers.update(update=provisioners._ddb_update, update_with_logical_id=True)


def _table(name: str, properties: Properties) -> None:
    """AWS: a table has its time to live, point-in-time recovery and encryption as the template says."""
    time_to_live = properties.get("TimeToLiveSpecification") or {}
    if time_to_live.get("AttributeName"):
        _accept(dynamodb._update_ttl({"TableName": name, "TimeToLiveSpecification": time_to_live}))
    else:
        dynamodb._ttl_settings.pop(name, None)
    recovery = properties.get("PointInTimeRecoverySpecification") or {}
    _accept(
        dynamodb._update_continuous_backups({"TableName": name, "PointInTimeRecoverySpecification": dict(recovery)})
    )
    encryption = properties.get("SSESpecification") or {}
    dynamodb._tables[name]["SSEDescription"] = (
        dynamodb._sse_description_from_spec({**encryption, "Enabled": True}) if encryption.get("SSEEnabled") else None
    )


def _global_table(name: str, properties: Properties) -> None:
    """AWS: a global table's replica in this Region says recovery, key, deletion protection and tags; stock drops it."""
    replica: Properties = next((r for r in properties.get("Replicas") or [] if r.get("Region") == get_region()), {})
    encryption = {**(properties.get("SSESpecification") or {}), **(replica.get("SSESpecification") or {})}
    _table(name, {**properties, **replica, "SSESpecification": encryption})
    table = dynamodb._tables[name]
    table["DeletionProtectionEnabled"] = bool(replica.get("DeletionProtectionEnabled"))
    if replica.get("Tags"):
        dynamodb._tags[table["TableArn"]] = [dict(tag) for tag in replica["Tags"]]


def _stream(name: str, properties: Properties) -> None:
    """AWS: a stream is encrypted under the key of its template."""
    encryption = properties.get("StreamEncryption")
    stream = kinesis._streams[name]
    if encryption:
        stream.update(EncryptionType=encryption.get("EncryptionType", "KMS"), KeyId=encryption["KeyId"])
    else:
        stream["EncryptionType"] = "NONE"
        stream.pop("KeyId", None)


def _encryption_xml(encryption: Properties) -> bytes:
    """AWS: a bucket encrypts as its template says; stock drops it. This is the body of PutBucketEncryption."""
    root = Element("ServerSideEncryptionConfiguration", xmlns=s3.S3_NS)
    for rule in encryption.get("ServerSideEncryptionConfiguration") or []:
        element = SubElement(root, "Rule")
        by_default = SubElement(element, "ApplyServerSideEncryptionByDefault")
        for name, value in (rule.get("ServerSideEncryptionByDefault") or {}).items():
            SubElement(by_default, name).text = str(value)
        SubElement(element, "BucketKeyEnabled").text = str(rule.get("BucketKeyEnabled", False)).lower()
    return tostring(root)


def _bucket(name: str, properties: Properties) -> None:
    """AWS: a bucket carries its tags, and locks its objects."""
    _lock(name, properties)
    tags = {tag["Key"]: tag["Value"] for tag in properties.get("Tags") or []}
    if tags:
        s3._bucket_tags[name] = tags
    else:
        s3._bucket_tags.pop(name, None)


def _lock(name: str, properties: Properties) -> None:
    """The body of PutObjectLockConfiguration; a bucket's lock can be changed, and never taken off."""
    rule = (properties.get("ObjectLockConfiguration") or {}).get("Rule") or {}
    if not properties.get("ObjectLockEnabled") and name not in s3._bucket_object_lock:
        return
    root = Element("ObjectLockConfiguration", xmlns=s3.S3_NS)
    SubElement(root, "ObjectLockEnabled").text = "Enabled"
    if by_default := rule.get("DefaultRetention"):
        element = SubElement(SubElement(root, "Rule"), "DefaultRetention")
        for part in ("Mode", "Days", "Years"):
            if part in by_default:
                SubElement(element, part).text = str(by_default[part])
    s3._bucket_versioning[name] = "Enabled"
    _accept(s3._put_object_lock_configuration(name, tostring(root)))


def _function(name: str, properties: Properties) -> None:
    """AWS: a function has its reserved concurrency, dead-letter target and environment key."""
    reserved = properties.get("ReservedConcurrentExecutions")
    function = lambda_svc._functions[name]
    function["concurrency"] = None if reserved is None else int(reserved)
    for setting, source in (("DeadLetterConfig", "DeadLetterConfig"), ("KMSKeyArn", "KmsKeyArn")):
        if properties.get(source):
            function["config"][setting] = properties[source]
        else:
            function["config"].pop(setting, None)


def _state_machine(arn: str, properties: Properties) -> None:
    """AWS: a state machine answers with its logging and tracing; stock with another spelling, and with neither."""
    stepfunctions._state_machines[arn].update(settings_of(properties))


def _accept(response: tuple[int, Any, bytes]) -> None:
    """A service's refusal fails the resource, as on AWS."""
    status, _, body = response
    if status >= 400:
        raise ValueError(body.decode() if isinstance(body, bytes) else str(body))
