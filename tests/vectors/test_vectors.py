"""The recorded cases open with the project's envelope and with a reader that was written from the page alone."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path as FilePath
from typing import Any

import pytest

from shared.envelope.associated_data import associated_data, record_prefix
from shared.envelope.cipher import ValueCipher
from shared.envelope.seal import open_value
from shared.envelope.typed_value import encode
from shared.errors import DoesNotOpen, NotSealed
from shared.model import ELEMENT, AttributeValue, Path
from tests.vectors import generate, independent_reader
from tests.vectors.independent_reader import Refused

FILE = FilePath(__file__).parent / "envelope_v1.json"
RECORDED = "06bda7ae3e794d28133d5877878c193406ac35463de6027e2c972fd5b4dcbc56"
VECTORS = json.loads(FILE.read_text(encoding="utf-8"))
Entry = dict[str, Any]


def by_name(entry: Entry) -> str:
    return str(entry["name"])


def open_with_the_project(entry: Entry) -> AttributeValue:
    cipher = ValueCipher.from_key(int(entry["key_id"], 16), bytes.fromhex(entry["data_key"]))
    try:
        return open_value(cipher, prefix_of(entry), path_of(entry), bytes.fromhex(entry["sealed"]))
    except NotSealed:
        raise Refused("not_sealed") from None
    except DoesNotOpen:
        raise Refused("does_not_open") from None


def open_with_the_independent_reader(entry: Entry) -> AttributeValue:
    return independent_reader.open_sealed(
        bytes.fromhex(entry["sealed"]),
        data_key=bytes.fromhex(entry["data_key"]),
        key_id=int(entry["key_id"], 16),
        dataset=entry["dataset"],
        tenant_id=entry["tenant_id"],
        item_id=entry["item_id"],
        path=entry["path"],
    )


both_readers = pytest.mark.parametrize("open_entry", [open_with_the_project, open_with_the_independent_reader])


def prefix_of(entry: Entry) -> bytes:
    return record_prefix(dataset=entry["dataset"], tenant_id=entry["tenant_id"], item_id=entry["item_id"])


def path_of(entry: Entry) -> Path:
    return tuple(ELEMENT if component == "element" else component["key"] for component in entry["path"])


def from_json(value: Any) -> AttributeValue:
    ((kind, content),) = value.items()
    match kind:
        case "B":
            return {"B": base64.b64decode(content)}
        case "BS":
            return {"BS": [base64.b64decode(member) for member in content]}
        case "L":
            return {"L": [from_json(member) for member in content]}
        case "M":
            return {"M": {key: from_json(member) for key, member in content.items()}}
        case _:
            return dict(value)


def test_the_recorded_file_is_never_edited():
    assert RECORDED == sha256(FILE.read_bytes()).hexdigest()


@both_readers
@pytest.mark.parametrize("entry", VECTORS["opens"], ids=by_name)
def test_a_recorded_case_opens_to_its_value(entry: Entry, open_entry: Callable[[Entry], AttributeValue]):
    assert from_json(entry["value"]) == open_entry(entry)


@both_readers
@pytest.mark.parametrize("entry", VECTORS["refused"], ids=by_name)
def test_a_recorded_bad_case_is_refused_for_its_reason(entry: Entry, open_entry: Callable[[Entry], AttributeValue]):
    with pytest.raises(Refused) as refused:
        open_entry(entry)
    assert entry["why"] == str(refused.value)


@pytest.mark.parametrize("entry", VECTORS["opens"], ids=by_name)
def test_plaintext_and_associated_data_are_still_encoded_as_recorded(entry: Entry):
    assert entry["plaintext"] == encode(from_json(entry["value"])).hex()
    assert entry["associated_data"] == associated_data(prefix_of(entry), path_of(entry)).hex()


def test_what_is_sealed_today_opens_with_the_independent_reader():
    for entry in generate.opening():
        assert from_json(entry["value"]) == open_with_the_independent_reader(entry)


def test_the_generator_still_makes_the_same_cases():
    def cases(entries: list[Entry]) -> list[Entry]:
        return [generate.without(entry, "sealed") for entry in entries]

    assert cases(VECTORS["opens"]) == cases(generate.opening())
    assert cases(VECTORS["refused"]) == cases(generate.refused())


def test_the_generator_does_not_overwrite_a_recording():
    with pytest.raises(FileExistsError):
        generate.main(str(FILE))
