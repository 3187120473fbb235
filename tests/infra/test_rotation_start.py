"""What starts the rotation and as what, and what looks how far it is."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def rules(cloud):
    return {
        rule.properties["Name"].removeprefix("sealstream-rotation-"): rule.properties
        for rule in cloud.resources("AWS::Events::Rule")
        if "rotation" in rule.properties["Name"]
    }


def test_a_rotation_starts_every_day_and_when_kms_has_rotated_the_attribute_key(cloud, rules):
    assert {"daily", "kms", "look"} == set(rules)
    assert rules["daily"]["ScheduleExpression"] == "rate(1 day)"
    assert rules["kms"]["EventPattern"] == {
        "source": ["aws.kms"],
        "detail-type": ["KMS CMK Rotation"],
        "resources": [cloud.one("AWS::KMS::Key", under="Attribute").arn],
    }


@pytest.mark.parametrize("name", ["daily", "kms"])
def test_both_start_the_state_machine_with_a_rotation(cloud, rules, name):
    (target,) = rules[name]["Targets"]

    assert rules[name]["State"] == "ENABLED"
    assert json.loads(target["Input"]) == {"kind": "rotation"}
    assert target["Arn"] == cloud.one("AWS::StepFunctions::StateMachine").arn
    assert target["RoleArn"].endswith(":role/sealstream-rotation-start")


def test_every_five_minutes_the_rotation_function_looks_and_only_this_rule_has_it_do_so(cloud, rules):
    (target,) = rules["look"]["Targets"]
    function = cloud.one("AWS::Lambda::Function", under="Rotating")
    (rule,) = (one for one in cloud.resources("AWS::Events::Rule") if one.properties["Name"].endswith("-look"))
    permissions = [
        one.properties
        for one in cloud.resources("AWS::Lambda::Permission")
        if one.properties["FunctionName"] == function.arn
    ]

    assert ("rate(5 minutes)", "ENABLED") == (rules["look"]["ScheduleExpression"], rules["look"]["State"])
    assert ({"operation": "look"}, function.arn) == (json.loads(target["Input"]), target["Arn"])
    assert [("events.amazonaws.com", rule.arn)] == [(one["Principal"], one["SourceArn"]) for one in permissions]
