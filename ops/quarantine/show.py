"""`sealstream quarantine show`: one entry, with what it holds only where that is asked for."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ops.quarantine.content import opened, rejected_line
from ops.quarantine.index import Entry, QuarantineIndex
from ops.quarantine.listing import quarantine_index
from ops.telling import for_programs
from shared.model import InboundRecord
from shared.printable import printable


def show(
    quarantine_id: str,
    *,
    open_content: bool = False,
    as_json: bool = False,
    index: QuarantineIndex | None = None,
    open_entry: Callable[[str], Sequence[InboundRecord]] = opened,
) -> None:
    """Print an entry; raises as `opened`, and SystemExit where there is no such entry."""
    entry = (index or quarantine_index()).get([quarantine_id]).get(quarantine_id)
    if entry is None:
        raise SystemExit(f"sealstream: there is no entry {quarantine_id} in quarantine")
    records = open_entry(quarantine_id) if open_content else None
    if for_programs(as_json=as_json):
        held = {} if records is None else {"records": [_document(record) for record in records]}
        print(json.dumps(entry.document() | held, indent=2))
    else:
        print("\n".join(_lines(entry, records or ())))


def _lines(entry: Entry, records: Sequence[InboundRecord]) -> Iterator[str]:
    known = {name: value for name, value in entry.document().items() if value not in {"", None}}
    width = max(map(len, known))
    for name, value in known.items():
        yield f"{name:<{width}}  {printable(str(value))}"
    for record in records:
        hashed = "" if record.explicit_hash_key is None else f", explicit hash key {record.explicit_hash_key}"
        yield f"record {record.sub_sequence} of partition key {_shown(record.partition_key)}{hashed}"
        line = rejected_line(record.payload)
        if line is not None:
            yield "the line of the file, which is no record, and came wrapped:"
        yield f"  {_shown(record.payload if line is None else line)}"


def _shown(content: bytes) -> str:
    text = _text(content)
    return f"(binary) {b64encode(content).decode()}" if text is None else printable(text)


def _document(record: InboundRecord) -> dict[str, Any]:
    line = rejected_line(record.payload)
    return {
        "sub_sequence": record.sub_sequence,
        "partition_key": _value(record.partition_key),
        "explicit_hash_key": record.explicit_hash_key,
        "payload": _value(record.payload),
        **({} if line is None else {"line": _value(line)}),
    }


def _value(content: bytes) -> Any:
    """The text, or `{"base64": …}` of what is none."""
    text = _text(content)
    return {"base64": b64encode(content).decode()} if text is None else text


def _text(content: bytes) -> str | None:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None
