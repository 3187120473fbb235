"""The metrics that AWS writes and this project reads, as each service's documentation names them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

Documented = Mapping[str, tuple[frozenset[str], frozenset[str]]]

AWS_METRICS: Final[Documented] = {
    namespace: (frozenset(dimensions.split()), frozenset(names.split()))
    for namespace, dimensions, names in (
        # API Gateway Developer Guide, "Monitor CloudWatch metrics for HTTP APIs": REST APIs have `5XXError`, by ApiName
        ("AWS/ApiGateway", "ApiId", "5xx"),
        # DynamoDB Developer Guide, "DynamoDB metrics and dimensions"
        (
            "AWS/DynamoDB",
            "TableName",
            "ConsumedReadCapacityUnits ConsumedWriteCapacityUnits ReadThrottleEvents WriteThrottleEvents",
        ),
        # Kinesis Data Streams Developer Guide, "Basic stream-level metrics"
        ("AWS/Kinesis", "StreamName", "GetRecords.Bytes IncomingBytes IncomingRecords"),
        # Lambda Developer Guide, "Types of metrics for Lambda functions"
        ("AWS/Lambda", "FunctionName", "Duration Errors Invocations IteratorAge Throttles"),
        # CloudWatch Logs User Guide, "Monitoring with CloudWatch metrics"
        ("AWS/Logs", "LogGroupName", "IncomingBytes"),
        # SQS Developer Guide, "Available CloudWatch metrics for Amazon SQS"
        (
            "AWS/SQS",
            "QueueName",
            """ApproximateAgeOfOldestMessage ApproximateNumberOfMessagesVisible NumberOfEmptyReceives
            NumberOfMessagesDeleted NumberOfMessagesReceived NumberOfMessagesSent""",
        ),
        # Step Functions Developer Guide, "Monitoring Step Functions metrics using CloudWatch"
        ("AWS/States", "StateMachineArn", "ExecutionsAborted ExecutionsFailed ExecutionsTimedOut"),
        # CloudWatch User Guide, "CloudWatch usage metrics"
        ("AWS/Usage", "Class Resource Service Type", "CallCount"),
    )
}
"""By namespace: the dimensions under which they are read, and their names."""
