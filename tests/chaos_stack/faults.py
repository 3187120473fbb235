"""What goes wrong during a campaign, and when: drawn from its seed; and how it is done."""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Event
from typing import Final

from ops.local_aws import faults, process
from ops.local_aws.faults import Fault, Kind
from shared.aws.clients import client
from tests.chaos_stack.settling import DEADLINE_SECONDS
from tests.chaos_stack.source import reshard
from tests.chaos_stack.workers import in_background, kill_one
from tests.integration.support import FAULTS_FILE, Deployment, sealstream
from tests.local_aws.support import wait_until

SERVICES: Final = ("kms", "dynamodb", "sqs", "s3")
_KINDS: Final = {kind: 0.25 if "kill" in kind else 1.0 for kind in Kind}
_LATENCY_SECONDS: Final = 1.5


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that happens once, seconds after the beginning, for so long."""

    at: float
    name: str
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Weather:
    """All faults of a campaign.

    Attributes:
        calls: what happens to the calls that the functions make.
        rotates: whether the data keys of a tenant are replaced meanwhile.
        gives_up: whether the mappings try only twice, so that dead letters come.
    """

    seed: int
    calls: tuple[Fault, ...]
    incidents: tuple[Incident, ...]
    rotates: bool = False
    gives_up: bool = False


def weather(seed: int, seconds: float) -> Weather:
    """One campaign's; the same for the same seed."""
    random = Random(f"weather {seed}")
    storm = random.choice((0.01, 0.03, 0.06))
    calls = [
        Fault(kind, storm * weight * random.uniform(0, 2), service=service, seconds=_LATENCY_SECONDS)
        for service in SERVICES
        for kind, weight in _KINDS.items()
    ]
    wanted = [("worker killed", 0.0)] * random.randint(1, 3)
    wanted += [("reshard", 0.0)] * random.choice((0, 0, 1, 2))
    wanted += [("key disabled", random.uniform(0.5, 1.5))] * (random.random() < 0.25)
    wanted += [(f"{random.choice(SERVICES)} down", random.uniform(1.0, 3.0))] * (random.random() < 0.4)
    wanted += [("local AWS restarted", 0.0)] * (random.random() < 0.15)
    incidents = [Incident(random.uniform(0.1, 0.9) * seconds, name, lasting) for name, lasting in wanted]
    return Weather(
        seed,
        tuple(calls),
        tuple(sorted(incidents, key=lambda one: one.at)),
        rotates=random.random() < 0.1,
        gives_up=random.random() < 0.3,
    )


@dataclass
class Storm:
    """Does all of it while a block lasts; what was broken is whole again at its end.

    Attributes:
        happened: faults by kind.
    """

    deployment: Deployment
    weather: Weather
    happened: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def raging(self) -> Iterator[None]:
        """While the block lasts, and for as long as an incident of that time takes."""
        with ExitStack() as whole_again:
            if self.weather.gives_up:
                whole_again.enter_context(self._few_attempts())
            whole_again.enter_context(self._calls_fail())
            whole_again.enter_context(in_background(self._run, name="incidents"))
            yield

    @contextmanager
    def _calls_fail(self) -> Iterator[None]:
        faults.forget(self._file)
        faults.write(self._file, self.weather.calls, seed=self.weather.seed)
        try:
            yield
        finally:
            self.happened.update({kind.replace("_", " "): count for kind, count in faults.counted(self._file).items()})
            self._file.unlink()

    @property
    def _file(self) -> Path:
        return self.deployment.folder / FAULTS_FILE

    @contextmanager
    def _down(self, service: str) -> Iterator[None]:
        """Every call to one service fails meanwhile."""
        outage = Fault(Kind.UNAVAILABLE, 1.0, service=service)
        faults.write(self._file, (outage, *self.weather.calls), seed=self.weather.seed)
        try:
            yield
        finally:
            faults.write(self._file, self.weather.calls, seed=self.weather.seed)

    @contextmanager
    def _few_attempts(self) -> Iterator[None]:
        """As if an outage outlasted all retries: dead letters come."""
        functions = [self.deployment[name] for name in ("ENCRYPTOR", "AUDITOR")]
        _set_attempts(functions, 1)
        try:
            yield
        finally:
            _set_attempts(functions, -1)

    def _run(self, stop: Event) -> None:
        random, began = Random(f"incidents {self.weather.seed}"), time.monotonic()
        for incident in self.weather.incidents:
            if stop.wait(max(0.0, began + incident.at - time.monotonic())):
                return
            self._do(incident, random, stop)

    def _do(self, incident: Incident, random: Random, stop: Event) -> None:
        match incident.name:
            case "worker killed":
                if kill_one(self.deployment.folder, random):
                    self.happened["worker killed"] += 1
                return
            case "reshard":
                self.happened[reshard(self.deployment["STREAM"], random)] += 1
                return
            case "local AWS restarted":
                process.restart(self.deployment.folder)
            case "key disabled":
                with disabled(self.deployment["ATTRIBUTE_KEY"]):
                    stop.wait(incident.seconds)
            case name:
                with self._down(name.removesuffix(" down")):
                    stop.wait(incident.seconds)
        self.happened[incident.name] += 1


@contextmanager
def disabled(key: str) -> Iterator[None]:
    """Nothing is sealed or opened under a KMS key meanwhile, but with what functions have at hand."""
    client("kms").disable_key(KeyId=key)
    try:
        yield
    finally:
        client("kms").enable_key(KeyId=key)


def _set_attempts(functions: list[str], retries: int) -> None:
    awslambda = client("lambda")
    for function in functions:
        (mapping,) = awslambda.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
        awslambda.update_event_source_mapping(UUID=mapping["UUID"], MaximumRetryAttempts=retries)
        wait_until(lambda uuid=mapping["UUID"]: _is_enabled(uuid), DEADLINE_SECONDS)  # type: ignore[misc]


def _is_enabled(uuid: str) -> bool:
    return client("lambda").get_event_source_mapping(UUID=uuid)["State"] == "Enabled"


def rotation_of(tenant: str, output: Path) -> subprocess.Popen[bytes]:
    """A started rotation of a tenant's data keys; begun before, it goes on."""
    options = ["--tenant", tenant, "--barrier-seconds", "12", "--workers", "2", "--segments", "4"]
    return sealstream("rotation", "start", "--json", *options, output=output)
