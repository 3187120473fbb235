"""The manifests that the next one continues: the last few are read back, and not believed.

Whoever signs a link to a manifest vouches for it. So one that cannot be trusted by the keys alone is never linked to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice, takewhile
from typing import Final

from consumers.notary.ports import NOT_GIVEN, Bucket, Key
from shared.aws.audit_bucket import Listed
from shared.aws.trail_end import Start
from shared.errors import ObjectUnreadable, StoreDenied, TrailBroken, TrailUnreadable
from shared.runtime.pool import all_of
from shared.trail.chain import check_chain
from shared.trail.findings import Tampering, TrailFinding
from shared.trail.manifest import (
    PREFIX,
    Attested,
    Link,
    Manifest,
    link_to,
    manifest_key,
    manifest_number,
    split,
)
from shared.trail.public_key import PublicKey
from shared.trail.segments import SegmentName, hour_prefix

READ_TOGETHER: Final = 36
"""Three hours of them, where one is written every five minutes: so far back they are verified each time."""
_HOUR_MS: Final = 3_600_000
_WHY: Final = "there are other versions of it, and nothing is written twice"


@dataclass(frozen=True, slots=True)
class Earlier:
    """What was written so far.

    Attributes:
        last: None where nothing was.
        link: how the next manifest names the last.
        signer: the key that must sign the next.
        start: where the search for segments begins.
        attested: by key, what the manifests that were read back list.
        findings: what of these manifests is not as it was written, though the last one is.
    """

    last: Manifest | None
    link: Link | None
    signer: Key
    start: Start
    attested: Mapping[str, Attested]
    findings: Sequence[TrailFinding]


class LastNotTrusted(TrailBroken):
    """The last manifest is not as it was written.

    Attributes:
        findings: on it, and on those before it.
    """

    def __init__(self, number: int, findings: Sequence[TrailFinding]) -> None:
        super().__init__(f"{manifest_key(number)} cannot be trusted: no manifest is written that would vouch for it")
        self.findings = findings


def read_back(bucket: Bucket, keys: Sequence[Key], noted: Link | None, start: Start | None, pool: Executor) -> Earlier:
    """What the last manifests say; of the notary's keys the oldest comes first.

    Whatever is noted must be among them. After the noted one there may be one more: its writer ended before noting it.
    Where no start was noted, it is what the manifests say.

    Raises:
        LastNotTrusted: the last one, or the noted one, is not there, is not given, or is another one; or there are
            several of which nothing is noted; or the last is not signed by one of these keys.
        TrailBroken: none of these keys may sign the next.
        StoreUnavailable: the bucket does not answer.
    """
    last = _last(bucket, noted)
    if not last:
        return Earlier(None, None, keys[-1], Start(), {}, ())
    listed = _listed(bucket, max(last - READ_TOGETHER, 0), last)
    given = dict(zip(listed, all_of(pool, lambda one: _read(bucket, one), listed.values()), strict=True))
    findings = [TrailFinding(Tampering.REPLACED, one.key, _WHY) for one in listed.values() if one.other_versions]
    findings += [
        TrailFinding(Tampering.UNREADABLE, manifest_key(number), NOT_GIVEN)
        for number, content in given.items()
        if content is None
    ]
    doubts = _doubts(given, noted, last)
    if doubts or any(given[number] is None for number in {last, noted.number if noted else last}):
        raise LastNotTrusted(last, [*doubts, *findings])
    return _believed({number: content or b"" for number, content in given.items()}, keys, start, last, findings)


def _last(bucket: Bucket, noted: Link | None) -> int:
    """The number of the last manifest, 0 where there is none: the noted one, or the one after it."""
    number = noted.number if noted else 0
    listed = bucket.listed(PREFIX, start_after=manifest_key(number))
    behind = list(islice((found for one in listed if (found := manifest_number(one.key))), 2))
    if behind and behind != [number + 1]:
        why = "is there, though nothing is noted of the one before it"
        raise LastNotTrusted(behind[-1], [TrailFinding(Tampering.BROKEN_CHAIN, manifest_key(behind[-1]), why)])
    return number + len(behind)


def _listed(bucket: Bucket, after: int, up_to: int) -> Mapping[int, Listed]:
    """The manifests of these numbers that are there."""
    end = manifest_key(up_to)
    listed = takewhile(lambda one: one.key <= end, bucket.listed(PREFIX, start_after=manifest_key(after)))
    return {number: one for one in listed if (number := manifest_number(one.key))}


def _read(bucket: Bucket, one: Listed) -> bytes | None:
    """The bytes of a manifest; None where the bucket does not give them."""
    try:
        return bucket.read(one.key, one.version_id)
    except (ObjectUnreadable, StoreDenied):
        return None


def _doubts(given: Mapping[int, bytes | None], noted: Link | None, last: int) -> Sequence[TrailFinding]:
    """What is wrong with those that must be there, by what is noted and was listed."""
    if noted and noted.number not in given:
        why = "was noted as written, and is not there"
        return [TrailFinding(Tampering.TRUNCATED, manifest_key(noted.number), why)]
    if last not in given:
        return [TrailFinding(Tampering.REMOVED, manifest_key(last), "was listed, and is gone")]
    content = given[noted.number] if noted else None
    if noted and content is not None and (found := sha256(content).hexdigest()) != noted.sha256:
        why = f"its SHA-256 is {found}, noted is {noted.sha256}"
        return [TrailFinding(Tampering.CHANGED, manifest_key(noted.number), why)]
    return []


def _believed(
    contents: Mapping[int, bytes],
    keys: Sequence[Key],
    start: Start | None,
    last: int,
    known: Sequence[TrailFinding],
) -> Earlier:
    chain = check_chain(contents, _named_by(contents[last], keys).public)
    not_given = {finding.key for finding in known if finding.kind is Tampering.UNREADABLE}
    findings = [*(finding for finding in chain.findings if finding.key not in not_given), *known]
    if not chain.trusted or chain.trusted[-1].number != last:
        raise LastNotTrusted(last, findings)
    newest = chain.trusted[-1]
    return Earlier(
        last=newest,
        link=link_to(newest, contents[last]),
        signer=signer_after(newest, keys),
        start=start or _start(chain.trusted),
        attested={one.key: one for manifest in chain.trusted for one in manifest.segments},
        findings=findings,
    )


def _named_by(content: bytes, keys: Sequence[Key]) -> Key:
    """The key that the manifest says it is signed by, if it is one of these, else the newest of them."""
    try:
        named = Manifest.from_statement(split(content)[0]).signing_key.arn
    except TrailUnreadable:
        named = ""
    return next((key for key in keys if key.arn == named), keys[-1])


def signer_after(last: Manifest, keys: Sequence[Key]) -> Key:
    """The key that signs what follows; raises TrailBroken where it is none of these."""
    expected = PublicKey.from_pem(last.next_key.public_key).sha256 if last.next_key else last.signing_key.sha256
    arn = (last.next_key or last.signing_key).arn
    for key in keys:
        if key.arn == arn and key.public.sha256 == expected:
            return key
    raise TrailBroken(f"{arn} must sign what follows {last.key}, and is none of the notary's keys")


def _start(trusted: Sequence[Manifest]) -> Start:
    """Where the search begins by what the manifests say; with all that there is, where each of them left something.

    With the hour before that of the last manifest that left nothing; never after the newest segment that was attested,
    so that a manifest of a wrong time does not end the hours before it.
    """
    settled = [one.created_at for one in trusted if not one.more]
    if not settled:
        return Start()
    hour = (max(settled) // _HOUR_MS - 1) * 3_600
    newest = SegmentName.parse(max((one.segments[-1].key for one in trusted if one.segments), default=""))
    return Start(hour_prefix(min(hour, newest.hour) if newest else hour))
