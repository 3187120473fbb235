"""What the landing ingest works with, in memory: a bucket, a stream that may refuse, progress."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from consumers.landing_ingest.ingest import Ingest
from shared.errors import StoreUnavailable
from shared.landing import Notice, ObjectVersion, Progress, State
from shared.policy.load import load_policy
from shared.runtime.settings import POLICY_FILE

BUCKET = "sealstream-landing-123456789012-eu-central-1"
MODIFIED = 1_767_225_600
SEQUENCER = "0055AED6DCD90281E5"


def about(key: str = "tenant=acme/a.json", version: str = "v1") -> ObjectVersion:
    return ObjectVersion(BUCKET, key, version)


def s3_event(key: str = "tenant%3Dacme/a.json", version: str | None = "v1", bucket: str = BUCKET, **record: Any) -> str:
    described = {"key": key, "size": 1, "eTag": "e", "sequencer": SEQUENCER}
    if version is not None:
        described["versionId"] = version
    told = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": bucket}}} | record
    told["s3"] = {**told["s3"], "object": described}
    return json.dumps({"Records": [told]})


@dataclass
class FakeObjects:
    contents: dict[str, bytes] = field(default_factory=dict)
    tags: dict[str, tuple[State, int, int]] = field(default_factory=dict)
    modified: int = MODIFIED
    reads: int = 0

    def find(self, about: ObjectVersion) -> tuple[int, int] | None:
        content = self.contents.get(about.name)
        return None if content is None else (len(content), self.modified)

    def read(self, about: ObjectVersion, start: int, length: int) -> bytes:
        self.reads += 1
        return self.contents[about.name][start : start + length]

    has_room: bool = True

    def tag(self, progress: Progress) -> bool:
        if self.has_room:
            self.tags[progress.object.name] = (progress.state, progress.lines, progress.rejected)
        return self.has_room


@dataclass
class FakeProgress:
    rows: dict[str, Progress] = field(default_factory=dict)

    def load(self, about: ObjectVersion) -> Progress | None:
        return self.rows.get(about.name)

    def load_many(self, objects: Sequence[ObjectVersion]) -> dict[str, Progress]:
        return {about.name: self.rows[about.name] for about in objects if about.name in self.rows}

    def begin(self, notice: Notice, *, at: float) -> Progress:
        standing = self.rows.get(notice.object.name)
        if standing is None or standing.run < notice.run:
            sequencer = standing.sequencer if standing else notice.sequencer
            self.rows[notice.object.name] = Progress(notice.object, sequencer, notice.run, began_at=at, updated_at=at)
        return self.rows[notice.object.name]

    def save(self, progress: Progress) -> Progress:
        standing = self.rows[progress.object.name]
        if standing.run == progress.run and not standing.has_ended and standing.offset <= progress.offset:
            self.rows[progress.object.name] = progress
        return self.rows[progress.object.name]


@dataclass
class FakeLandingStream:
    """Keeps what was put; `fails_after` puts it takes nothing more."""

    records: list[tuple[str, bytes]] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    fails_after: int | None = None

    def put(self, records: Sequence[tuple[str, bytes]], *, may_wait: Callable[[], bool]) -> None:
        if self.fails_after is not None and len(self.sizes) >= self.fails_after:
            raise StoreUnavailable("putting records: throttled")
        self.records.extend(records)
        self.sizes.append(len(records))

    @property
    def documents(self) -> list[Any]:
        return [json.loads(data) for _, data in self.records]


@dataclass
class LandingWorld:
    """An ingest and all that it works with."""

    objects: FakeObjects = field(default_factory=FakeObjects)
    store: FakeProgress = field(default_factory=FakeProgress)
    stream: FakeLandingStream = field(default_factory=FakeLandingStream)
    sent: list[Notice] = field(default_factory=list)
    told: list[Progress] = field(default_factory=list)
    untagged: list[Progress] = field(default_factory=list)
    delays: list[int] = field(default_factory=list)
    now: float = MODIFIED + 60.0

    def put(self, content: bytes, key: str = "tenant=acme/a.json", version: str = "v1") -> Notice:
        one = about(key, version)
        self.objects.contents[one.name] = content
        return Notice(one, SEQUENCER)

    @property
    def ingest(self) -> Ingest:
        return Ingest(
            objects=self.objects,
            store=self.store,
            stream=self.stream,
            send=self._send,
            tell=self._tell,
            item=replace(load_policy(POLICY_FILE).item, tenant="tenant_id", id="id"),
            max_age_seconds=14 * 86_400.0,
            clock=lambda: self.now,
        )

    def _send(self, notice: Notice, *, delay_seconds: int = 0) -> None:
        self.sent.append(notice)
        self.delays.append(delay_seconds)

    def _tell(self, progress: Progress, is_tagged: bool) -> None:
        self.told.append(progress)
        if not is_tagged:
            self.untagged.append(progress)
