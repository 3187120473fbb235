"""Reading: layers for other applications' functions, deployed apart from all else and only where they are asked for."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from constructs import Construct

from infra.bundling import Bundler, this_machine
from infra.reader_layer import ReaderLayer, ReaderRuntime
from infra.settings import Settings


class ReaderStack(cdk.Stack):
    """One layer for each runtime; it holds code and the policy, no right to anything."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        *,
        settings: Settings,
        runtimes: Sequence[ReaderRuntime],
    ) -> None:
        super().__init__(
            scope,
            id,
            stack_name=settings.stack_name("Reader"),
            description="sealstream: layers for functions that read items",
        )
        for runtime in runtimes:
            bundler = Bundler(target=this_machine() if settings.local else runtime.target)
            name = "ReaderLayer" + "".join(part.title() for part in str(runtime).replace(".", "").split("-"))
            layer = ReaderLayer(self, name, settings=settings, bundler=bundler, runtime=runtime)
            cdk.CfnOutput(self, f"{name}Arn", value=layer.version.layer_version_arn)
