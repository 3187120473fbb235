"""Checks an audit trail; written from docs/audit_trail.md, sharing no code with the project."""

from __future__ import annotations

import json
import re
import zlib
from base64 import b64decode
from datetime import datetime
from hashlib import sha256
from itertools import pairwise
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

SEGMENT = re.compile(
    r"segments/(\d{4}/\d\d/\d\d/\d\d)/[a-z0-9_-]{1,64}/[a-zA-Z0-9._-]{1,200}-([0-9a-f]{32})\.ndjson\.gz", re.ASCII
)
EVENT_ID = re.compile(r"[!-~]{1,128}")
MOST_BYTES = 8 * 1024 * 1024
MOST_LINES = 10_000
MANIFEST = re.compile(r"manifests/(?!0{12})([0-9]{12})\.json")


class Object(NamedTuple):
    """What the bucket says of an object."""

    key: str
    content: bytes
    modified: float
    version: str | None
    further_versions: bool


Findings = set[tuple[str, str]]


def check(  # noqa: C901, PLR0912 - sections 4 and 5 in the page's order
    objects: list[Object],
    pem: str,
    now: float,
    period: float = 300,
    since: float | None = None,
    until: float | None = None,
    known: tuple[int, str] | None = None,
) -> tuple[int, Findings]:
    """Exit status, and the findings as pairs of kind and key; of the hours from `since` to `until`, if any."""
    found: Findings = set()
    grace = max(2 * period, 600)
    first, end = hour(since, float("-inf")), hour(until, float("inf")) + 3_599
    manifests, segments = {}, {}
    for one in objects:
        if match := MANIFEST.fullmatch(one.key):
            manifests[int(match[1])] = one.content
        elif (began := hour_of(one.key)) is None:
            found.add(("foreign", one.key))
        elif first <= began <= end:
            segments[one.key] = one
        else:
            continue
        if one.further_versions:
            found.add(("replaced", one.key))
    if known:
        digest = known[0] in manifests and sha256(manifests[known[0]]).hexdigest()
        found |= {("changed" if digest else "truncated", name(known[0]))} if digest != known[1] else set()

    manifests = needed(manifests, first - grace, pem)
    trusted, doubts, stopped = trust(manifests, pem)
    found |= set(doubts.values()) | chain(manifests, trusted, first - grace)
    attested: dict[str, Any] = {}
    claimed: set[str] = set()
    settled = float("-inf")
    for number in sorted(trusted):
        for entry in in_hours(trusted[number]["segments"], first, end):
            if attested.setdefault(entry["key"], entry) != entry:
                found.add(("replaced", entry["key"]))
        if not trusted[number]["more"]:
            settled = seconds(trusted[number]["created_at"])
    for number in doubts:
        try:
            claimed |= {entry["key"] for entry in form(manifests[number])[0]["segments"]}
        except (ValueError, KeyError, TypeError):
            continue
    for key, entry in attested.items():
        found |= {(kind, key) for kind in [segment(entry, segments.get(key))] if kind}
    for key in segments.keys() - attested.keys() - claimed:
        began = hour_of(key)
        assert began is not None
        if min(segments[key].modified, began + 7_200) < settled - grace:
            found.add(("foreign", key))
    if trusted and not stopped and seconds(trusted[max(trusted)]["created_at"]) < now - grace:
        found.add(("truncated", name(max(trusted))))
    if not manifests:
        late = any(one.modified < now - grace for one in segments.values())
        found.add(("truncated" if late else "uncheckable", "manifests/"))
    kinds = {kind for kind, _ in found}
    return (1 if kinds - {"uncheckable"} else 2 if kinds else 0), found


def needed(manifests: dict[int, bytes], before: float, pem: str) -> dict[int, bytes]:  # section 3
    """From the last that was begun so long before the hours, or the first; or from the last that the key signed."""
    since = max((number for number, content in manifests.items() if begun(content) <= before), default=0)
    signed = [number for number, content in manifests.items() if is_signed(content, pem)]
    since = min(since, max(signed, default=since))
    return {number: content for number, content in manifests.items() if number >= since}


def is_signed(content: bytes, pem: str) -> bool:
    key = serialization.load_pem_public_key(pem.encode())
    assert isinstance(key, ec.EllipticCurvePublicKey)
    try:
        _, line, signature = form(content)
        key.verify(signature, line, ec.ECDSA(hashes.SHA256()))
    except (ValueError, KeyError, TypeError, InvalidSignature):
        return False
    return True


def begun(content: bytes) -> float:
    try:
        return seconds(form(content)[0]["created_at"])
    except (ValueError, KeyError, TypeError):
        return float("inf")


def in_hours(entries: list[Any], first: float, end: float) -> list[Any]:
    return [entry for entry in entries if first <= (hour_of(entry["key"]) or 0) <= end]


def hour(time: float | None, otherwise: float) -> float:
    return otherwise if time is None else time // 3_600 * 3_600


def trust(
    manifests: dict[int, bytes], pem: str
) -> tuple[dict[int, Any], dict[int, tuple[str, str]], bool]:  # section 4
    trusted: dict[int, Any] = {}
    doubts: dict[int, tuple[str, str]] = {}
    stopped = False
    for number in sorted(manifests):
        kind, statement = by_signature(manifests[number], number, pem)
        if kind:
            doubts[number] = (kind, name(number))
        else:
            trusted[number] = statement
            pem = statement.get("next_key", {}).get("public_key", pem)
        if kind == "uncheckable":
            stopped = True
            break
    below = min(trusted, default=0)
    for number in sorted((n for n in manifests if n < below), reverse=True):
        if number + 1 not in trusted:
            doubts[number] = ("broken_chain", name(number))
        elif trusted[number + 1]["previous"]["sha256"] != sha256(manifests[number]).hexdigest():
            doubts[number] = ("changed", name(number))
        else:
            trusted[number] = form(manifests[number])[0]
            del doubts[number]
    return trusted, doubts, stopped


def by_signature(content: bytes, number: int, pem: str) -> tuple[str, Any]:  # section 4, step 1
    key = serialization.load_pem_public_key(pem.encode())
    assert isinstance(key, ec.EllipticCurvePublicKey)
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    try:
        statement, line, signature = form(content)
    except (ValueError, KeyError, TypeError):
        return "unreadable", None
    says_so = statement.get("signing_key", {}).get("sha256") == sha256(der).hexdigest()
    try:
        key.verify(signature, line, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return ("changed" if says_so else "wrong_key"), None
    if statement["version"] != 1:
        return "uncheckable", None
    if not says_so:
        return "wrong_key", None
    return ("broken_chain", None) if statement["number"] != number else ("", statement)


def form(content: bytes) -> tuple[Any, bytes, bytes]:  # section 2; a signed statement is the notary's, so no more of it
    line, second, rest = content.split(b"\n")
    statement, signed = json.loads(line), json.loads(second)
    for document, raw in ((statement, line), (signed, second)):
        if json.dumps(document, sort_keys=True, separators=(",", ":")).encode() != raw or not isinstance(
            document, dict
        ):
            raise ValueError("not canonical")
    if rest or signed.keys() != {"algorithm", "signature"} or signed["algorithm"] != "ECDSA_SHA_256":
        raise ValueError("no signature")
    seconds(statement["created_at"])
    return statement, line, b64decode(signed["signature"], validate=True)


def chain(manifests: dict[int, bytes], trusted: dict[int, Any], before: float) -> Findings:  # section 5
    found: Findings = set()
    there = sorted(manifests)
    reaches_back = trusted and seconds(trusted[min(trusted)]["created_at"]) <= before
    if there and there[0] != 1 and not reaches_back:
        found.add(("removed", name(there[0] - 1)))
    for one, other in pairwise(there):
        if other != one + 1:
            found.add(("removed", name(one + 1)))
        elif one in trusted and other in trusted:
            link, earlier, later = trusted[other]["previous"], trusted[one]["created_at"], trusted[other]["created_at"]
            if link["sha256"] != sha256(manifests[one]).hexdigest() or later < earlier:
                found.add(("broken_chain", name(other)))
    return found


def segment(entry: Any, one: Object | None) -> str:  # section 5
    if one is None:
        return "removed"
    if one.version not in (None, entry["version_id"]):
        return "replaced"
    if sha256(one.content).hexdigest() != entry["sha256"]:
        return "changed"
    unzip = zlib.decompressobj(31)
    try:
        plain = unzip.decompress(one.content, MOST_BYTES)
        lines = plain.split(b"\n")
        ids = [json.loads(line)["metadata"]["uid"] for line in lines[:-1]]
    except (zlib.error, ValueError, KeyError, TypeError):
        return "unreadable"
    whole = unzip.eof and not unzip.unused_data and lines[-1] == b"" and 0 < len(ids) == entry["events"] <= MOST_LINES
    named = all(isinstance(one, str) and EVENT_ID.fullmatch(one) for one in ids)
    match = SEGMENT.fullmatch(one.key)
    return "" if whole and named and match and match[2] == sha256(plain).hexdigest()[:32] else "unreadable"


def hour_of(key: str) -> float | None:
    match = SEGMENT.fullmatch(key)
    try:
        return datetime.strptime(f"{match[1]}+0000", "%Y/%m/%d/%H%z").timestamp() if match else None
    except ValueError:
        return None


def seconds(time: str) -> float:
    return datetime.strptime(time, "%Y-%m-%dT%H:%M:%S.%f%z").timestamp()


def name(number: int) -> str:
    return f"manifests/{number:012}.json"
