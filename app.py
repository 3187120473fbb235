"""The CDK app: the stacks in flow order; synthesis asks nothing of AWS and needs no credentials."""

from __future__ import annotations

import sys

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from infra.api_stack import ApiStack
from infra.bundling import LAMBDA, Bundler, this_machine
from infra.context import ContextError
from infra.data_stack import DataStack
from infra.keys_stack import KeysStack
from infra.pipeline_stack import PipelineStack
from infra.reader_layer import reader_runtimes
from infra.reader_stack import ReaderStack
from infra.settings import Settings
from shared.errors import PolicyError


def build(app: cdk.App) -> None:
    """Put the stacks into the app, and with them the AWS Solutions rules that fail its synthesis."""
    settings = Settings.from_context(app)
    if settings.local:
        app.node.set_context("aws:cdk:disable-asset-staging", True)  # an asset is used where it lies; nobody else will
    bundler = Bundler(target=this_machine() if settings.local else LAMBDA)

    keys = KeysStack(app, "SealstreamKeys", settings=settings)
    data = DataStack(app, "SealstreamData", settings=settings, storage_key=keys.storage_key)
    PipelineStack(app, "SealstreamPipeline", settings=settings, bundler=bundler, keys=keys, data=data)

    if settings.api:
        ApiStack(app, "SealstreamApi", settings=settings, api=settings.api, bundler=bundler, keys=keys, data=data)
    if runtimes := reader_runtimes(app):
        ReaderStack(app, "SealstreamReader", settings=settings, runtimes=runtimes)

    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))


if __name__ == "__main__":
    app = cdk.App()
    try:
        build(app)
    except (PolicyError, ContextError) as error:
        sys.exit(str(error))
    app.synth()
