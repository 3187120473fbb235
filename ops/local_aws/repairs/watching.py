"""What watches a deployment: alarms on expressions, and saved queries, as templates make them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any, Final

from ministack.core.responses import AccountRegionScopedDict, json_response
from ministack.services import cloudwatch_logs
from ministack.services.cloudformation import provisioners

Properties = Mapping[str, Any]

_DEFINITIONS: Final = "_query_definitions"
"""Where MiniStack's own module of logs keeps them: what stands there is kept through a restart."""

_stock_alarm_record = provisioners._cw_metric_alarm_record
_stock_handle_request = cloudwatch_logs.handle_request


def apply() -> None:
    """Let templates have alarms on expressions, and saved queries, and let these be asked for."""
    setattr(cloudwatch_logs, _DEFINITIONS, AccountRegionScopedDict())
    cloudwatch_logs.handle_request = handle_request
    provisioners._cw_metric_alarm_record = alarm_record
    provisioners._RESOURCE_HANDLERS["AWS::Logs::QueryDefinition"] = {
        "create": create_definition,
        "update": update_definition,
        "delete": delete_definition,
    }


def alarm_record(name: str, properties: Properties) -> dict[str, Any]:
    """AWS: an alarm may watch an expression over metrics. Stock refuses it; here it is kept, and never evaluated."""
    metrics = properties.get("Metrics")
    if not metrics:
        answer: dict[str, Any] = _stock_alarm_record(name, properties)
        return answer
    of_one = {"MetricName": "-", "Namespace": "-"}
    record = {**_stock_alarm_record(name, {**properties, "Metrics": None, **of_one}), "Metrics": metrics}
    for absent in ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period", "Unit", "Dimensions"):
        record.pop(absent, None)
    return record


async def handle_request(method: str, path: str, headers: Mapping[str, str], body: bytes, query_params: Any) -> Any:
    """AWS: lists the saved queries, those whose name begins so where one is given; stock knows no such action."""
    if not headers.get("x-amz-target", "").endswith(".DescribeQueryDefinitions"):
        return await _stock_handle_request(method, path, headers, body, query_params)
    begins = (json.loads(body) if body else {}).get("queryDefinitionNamePrefix", "")
    definitions = [one for one in _definitions().values() if one["name"].startswith(begins)]
    return json_response({"queryDefinitions": sorted(definitions, key=lambda one: one["name"])})


def create_definition(_logical_id: str, properties: Properties, _stack: str) -> tuple[str, dict[str, str]]:
    """AWS: a saved query has an id of its own; a name that is taken is no obstacle."""
    return _keep(str(uuid.uuid4()), properties)


def update_definition(physical_id: str, _old: Properties, new: Properties, _stack: str) -> tuple[str, dict[str, str]]:
    """AWS: each property may change, and the query stays the same one."""
    return _keep(physical_id, new)


def delete_definition(physical_id: str, _properties: Properties) -> None:
    """Forget it."""
    _definitions().pop(physical_id, None)


def _keep(physical_id: str, properties: Properties) -> tuple[str, dict[str, str]]:
    _definitions()[physical_id] = {
        "queryDefinitionId": physical_id,
        "name": properties["Name"],
        "queryString": properties["QueryString"],
        "logGroupNames": list(properties.get("LogGroupNames") or []),
    }
    return physical_id, {"QueryDefinitionId": physical_id}


def _definitions() -> Any:
    return getattr(cloudwatch_logs, _DEFINITIONS)
