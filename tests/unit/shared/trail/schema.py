"""The published schema, and what it calls its numbers."""

from __future__ import annotations

from functools import cache
from typing import Any

from jsonschema_rs import Validator, validator_for
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from shared.trail.ocsf import SCHEMA_VERSION


@cache
def published() -> dict[str, Any]:
    schema: dict[str, Any] = get_ocsf_schema(version=SCHEMA_VERSION)
    return schema


@cache
def class_name(class_uid: int) -> str:
    (name,) = (name for name, one in published()["classes"].items() if one["uid"] == class_uid)
    return str(name)


@cache
def validator(class_uid: int) -> Validator:
    """Of documents of this class without profiles; it knows every object, and refuses what the schema does not name."""
    return validator_for(OcsfJsonSchemaEmbedded(published()).get_class_schema(class_name(class_uid)))


def caption(class_uid: int, attribute: str, number: int) -> str:
    """What the schema calls a number."""
    enumeration = published()["classes"][class_name(class_uid)]["attributes"][attribute]["enum"]
    return str(enumeration[str(number)]["caption"])
