"""What lets another application's Lambda functions read items as they were before they were sealed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from constructs import Construct, IConstruct

from infra.bundling import Bundler, Target, lambda_target
from infra.context import ContextError, context_of
from infra.settings import Settings

RUNTIMES: Final = {"3.12": lambda_.Runtime.PYTHON_3_12, "3.13": lambda_.Runtime.PYTHON_3_13}
MACHINES: Final = {"arm64": lambda_.Architecture.ARM_64, "x86_64": lambda_.Architecture.X86_64}
_CHOICE: Final = re.compile(rf"python({'|'.join(map(re.escape, RUNTIMES))})-({'|'.join(MACHINES)})")


@dataclass(frozen=True, slots=True)
class ReaderRuntime:
    """What the functions that read run on: Tink is compiled, so each has a layer of its own.

    Attributes:
        version: of Python, as in `3.13`.
        machine: arm64 or x86_64.
    """

    version: str
    machine: str

    @property
    def target(self) -> Target:
        """Which wheels it asks for."""
        return lambda_target(self.version, self.machine)

    def __str__(self) -> str:
        return f"python{self.version}-{self.machine}"


def reader_runtimes(scope: IConstruct) -> Sequence[ReaderRuntime]:
    """Those that the context `reader_layer` names, as in `python3.13-arm64,python3.12-x86_64`; none by default.

    Raises:
        ContextError: it names something else, or one twice.
    """
    chosen = context_of(scope, {"reader_layer": ""})["reader_layer"]
    names = chosen.split(",") if chosen else []
    matches = [_CHOICE.fullmatch(name) for name in names]
    runtimes = [ReaderRuntime(match[1], match[2]) for match in matches if match]
    if len(set(runtimes)) != len(names):
        every = ", ".join(str(ReaderRuntime(version, machine)) for version in RUNTIMES for machine in MACHINES)
        raise ContextError(f"context reader_layer: {chosen!r} is not one or more of {every}, each once, with commas")
    return runtimes


class ReaderLayer(Construct):
    """`SealedTable` with the policy of this deployment, for the functions of one runtime.

    boto3 is not in it: that is the runtime's own, or the function's. A version that is replaced stays, since functions
    elsewhere name it until they are deployed again.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        *,
        settings: Settings,
        bundler: Bundler,
        runtime: ReaderRuntime,
    ) -> None:
        super().__init__(scope, id)
        asset = bundler.layer("reader_layer")
        self.version = lambda_.LayerVersion(
            self,
            "Layer",
            layer_version_name=settings.name_of(f"reader-{runtime}".replace(".", "-")),
            description=f"sealstream: reads the dataset {settings.dataset}; docs/reading.md",
            code=lambda_.Code.from_asset(
                str(asset.path), asset_hash=asset.digest, asset_hash_type=cdk.AssetHashType.CUSTOM
            ),
            compatible_runtimes=[RUNTIMES[runtime.version]],
            compatible_architectures=[MACHINES[runtime.machine]],
            license="Apache-2.0",
            removal_policy=settings.removal_policy,
        )
