"""The manifests that the next one continues: read back as far as segments are still looked for, and not believed.

Whoever signs a link to a manifest vouches for it. So one that cannot be trusted by the keys alone is never linked to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import takewhile
from typing import Final, Self

from consumers.notary.ports import Bucket, Key
from shared.aws.audit_bucket import Listed
from shared.aws.trail_end import Start
from shared.errors import TrailBroken, TrailUnreadable
from shared.runtime.pool import all_of
from shared.trail.chain import check_chain
from shared.trail.findings import Tampering, TrailFinding
from shared.trail.latest import last_number
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
        newest: by number, the last key that a manifest lists.
        attested: by key, what manifests list of what comes behind the start.
        findings: what of these manifests is not as it was written, though the last one is.
    """

    last: Manifest | None
    link: Link | None
    signer: Key
    start: Start
    newest: Mapping[int, str]
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


def last_manifest(bucket: Bucket, noted: Link | None) -> int:
    """The number of the last manifest, which is not below the noted one."""

    def any_after(number: int) -> bool:
        return any(manifest_number(one.key) for one in bucket.listed(PREFIX, start_after=manifest_key(number)))

    return last_number(any_after, noted.number if noted else 0)


def read_back(
    bucket: Bucket, keys: Sequence[Key], noted: Link | None, start: Start | None, last: int, pool: Executor
) -> Earlier:
    """What the manifests up to this number say, 0 where there is none; of the notary's keys the oldest comes first.

    Whatever is noted must be among them. After the noted one there may be one more: its writer ended before noting it.
    Where no start was noted, it is what the manifests say.

    Raises:
        LastNotTrusted: the last one, or the noted one, is not there, or is another one, or nothing is noted though
            there are several; or the last is not signed by one of these keys.
        TrailBroken: none of these keys may sign the next.
        StoreUnavailable: the bucket does not answer.
    """
    if not last:
        return Earlier(None, None, keys[-1], Start("", 1), {}, {}, ())
    contents: dict[int, bytes] = {}
    heads: list[_Head] = []
    replaced: list[TrailFinding] = []
    high = last
    while high and not (high < min(start.since, last) if start else _far_enough(heads)):
        low = max(high - READ_TOGETHER, 0)
        listed = _listed(bucket, low, high)
        read = all_of(pool, lambda one: bucket.read(one.key, one.version_id), listed.values())
        contents |= dict(zip(listed, read, strict=True))
        heads += [] if start else [head for content in read if (head := _head(content))]
        replaced += [TrailFinding(Tampering.REPLACED, one.key, _WHY) for one in listed.values() if one.other_versions]
        high = low
    if doubt := _not_noted(contents, noted, last):
        raise LastNotTrusted(last, [doubt, *replaced])
    return _believed(contents, keys, start, last, replaced)


def _not_noted(contents: Mapping[int, bytes], noted: Link | None, last: int) -> TrailFinding | None:
    """What is wrong with the manifests that are there, by what is noted of them."""
    if noted is None:
        why = "goes on behind its first manifest, though nothing is noted of how far it goes"
        return TrailFinding(Tampering.BROKEN_CHAIN, manifest_key(last), why) if last > 1 else None
    if noted.number < min(contents, default=last):
        return None
    if noted.number not in contents:
        why = "was noted as written, and is not there"
        return TrailFinding(Tampering.TRUNCATED, manifest_key(noted.number), why)
    found = sha256(contents[noted.number]).hexdigest()
    why = f"its SHA-256 is {found}, noted is {noted.sha256}"
    return None if found == noted.sha256 else TrailFinding(Tampering.CHANGED, manifest_key(noted.number), why)


def _listed(bucket: Bucket, after: int, up_to: int) -> Mapping[int, Listed]:
    """The manifests of these numbers that are there."""
    end = manifest_key(up_to)
    listed = takewhile(lambda one: one.key <= end, bucket.listed(PREFIX, start_after=manifest_key(after)))
    return {number: one for one in listed if (number := manifest_number(one.key))}


def _believed(
    contents: Mapping[int, bytes],
    keys: Sequence[Key],
    start: Start | None,
    last: int,
    replaced: list[TrailFinding],
) -> Earlier:
    if last not in contents:
        raise LastNotTrusted(last, [TrailFinding(Tampering.REMOVED, manifest_key(last), "was listed, and is gone")])
    chain = check_chain(contents, _named_by(contents[last], keys).public)
    findings = [*chain.findings, *replaced]
    if not chain.trusted or chain.trusted[-1].number != last:
        raise LastNotTrusted(last, findings)
    newest = chain.trusted[-1]
    start = start or _start(chain.trusted)
    return Earlier(
        last=newest,
        link=link_to(newest, contents[last]),
        signer=signer_after(newest, keys),
        start=start,
        newest={one.number: one.segments[-1].key for one in chain.trusted if one.segments},
        attested={one.key: one for manifest in chain.trusted for one in manifest.segments if one.key > start.after},
        findings=findings,
    )


def continued(earlier: Earlier, manifest: Manifest, search_after: Callable[[str], str]) -> Earlier:
    """The same with one manifest more; the search begins after what `search_after` makes of the newest key listed.

    The newest of late: where nothing comes for hours, what is read back does not grow with them.
    """
    lists = {manifest.number: manifest.segments[-1].key} if manifest.segments else {}
    newest = {**earlier.newest, **lists}
    lately = [key for number, key in newest.items() if number > manifest.number - READ_TOGETHER]
    after = search_after(max(lately, default=""))
    since = min((number for number, key in newest.items() if key > after), default=manifest.number + 1)
    return replace(earlier, last=manifest, start=Start(after, since), newest=newest)


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


@dataclass(frozen=True, slots=True)
class _Head:
    """What a manifest says but for what it lists, of which it is the last key, "" where that is nothing."""

    created_at: int
    more: bool
    newest: str

    @classmethod
    def of(cls, manifest: Manifest) -> Self:
        return cls(manifest.created_at, manifest.more, manifest.segments[-1].key if manifest.segments else "")


def _head(content: bytes) -> _Head | None:
    try:
        return _Head.of(Manifest.from_statement(split(content)[0]))
    except TrailUnreadable:
        return None


def _far_enough(read: Sequence[_Head]) -> bool:
    """Whether one of them is from before the hours in which segments are looked for."""
    first_hour = _first_hour(read)
    return first_hour is not None and any(one.created_at < first_hour * 1_000 for one in read)


def _start(trusted: Sequence[Manifest]) -> Start:
    """Where the search begins by what the manifests say."""
    first_hour = _first_hour(list(map(_Head.of, trusted)))
    return Start("" if first_hour is None else hour_prefix(first_hour), trusted[0].number)


def _first_hour(manifests: Sequence[_Head]) -> int | None:
    """The hour before that of the last manifest that left nothing; never after the newest segment that was attested.

    So a manifest of a wrong time does not end the hours before it.
    """
    settled = [one.created_at for one in manifests if not one.more]
    if not settled:
        return None
    hour = (max(settled) // _HOUR_MS - 1) * 3_600
    newest = SegmentName.parse(max(one.newest for one in manifests))
    return min(hour, newest.hour) if newest else hour
