"""What starts the rotation, and as what."""

from __future__ import annotations

import json


def test_a_rotation_starts_every_day_and_when_kms_has_rotated_the_attribute_key(cloud):
    rules = {rule.properties["Name"]: rule.properties for rule in cloud.resources("AWS::Events::Rule")}

    assert {"sealstream-rotation-daily", "sealstream-rotation-kms"} == set(rules)
    assert rules["sealstream-rotation-daily"]["ScheduleExpression"] == "rate(1 day)"
    assert rules["sealstream-rotation-kms"]["EventPattern"] == {
        "source": ["aws.kms"],
        "detail-type": ["KMS CMK Rotation"],
        "resources": [cloud.one("AWS::KMS::Key", under="Attribute").arn],
    }


def test_both_start_the_state_machine_with_a_rotation(cloud):
    for rule in cloud.resources("AWS::Events::Rule"):
        (target,) = rule.properties["Targets"]
        assert rule.properties["State"] == "ENABLED"
        assert json.loads(target["Input"]) == {"kind": "rotation"}
        assert target["Arn"] == cloud.one("AWS::StepFunctions::StateMachine").arn
        assert target["RoleArn"].endswith(":role/sealstream-rotation-start")
