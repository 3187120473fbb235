"""Pipeline: encryptor, auditor and re-encryptor, one behind the other; what goes through them again; the rotation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra import ensure_keys, tenant_api
from infra.alarms import Alarms
from infra.auditor import Auditor
from infra.bundling import Bundler
from infra.consumer import Consumer
from infra.dashboard import Dashboard
from infra.data_stack import DataStack
from infra.encryptor import Encryptor
from infra.keys_stack import KeysStack
from infra.landing_ingest import LandingIngest
from infra.notary import Notary
from infra.queries import QUERIES, Queries
from infra.reauditor import Reauditor
from infra.reconciler import Reconciler
from infra.redriver import Redriver
from infra.reencryptor import Reencryptor
from infra.reopener import Reopener
from infra.rotation import Rotation
from infra.rotation_machine import RotationMachine
from infra.rotation_start import RotationStart
from infra.settings import Settings
from infra.sweeper import Sweeper


class PipelineStack(cdk.Stack):
    """The functions, in flow order; what they work on lives in the other stacks and outlives them."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        *,
        settings: Settings,
        bundler: Bundler,
        keys: KeysStack,
        data: DataStack,
    ) -> None:
        super().__init__(
            scope,
            id,
            stack_name=settings.stack_name("Pipeline"),
            description="sealstream: landing ingest, encryptor, auditor, re-encryptor, rotation",
        )
        landing = LandingIngest(
            self, "Landing", settings=settings, bundler=bundler, data=data, storage_key=keys.storage_key
        )
        encryptor = Encryptor(self, "Sealing", settings=settings, bundler=bundler, keys=keys, data=data)
        redriver = Redriver(self, "Redriving", settings=settings, bundler=bundler, keys=keys, data=data)
        auditor = Auditor(self, "Auditing", settings=settings, bundler=bundler, keys=keys, data=data)
        reauditor = Reauditor(self, "Reauditing", settings=settings, bundler=bundler, keys=keys, data=data)
        rotation = Rotation(self, "Rotating", settings=settings, bundler=bundler, keys=keys, data=data)
        reopener = Reopener(self, "Reopening", settings=settings, bundler=bundler, keys=keys, audit=data.audit)
        reencryptor = Reencryptor(
            self, "Reencrypting", settings=settings, bundler=bundler, keys=keys, data=data, reopener=reopener
        )
        sweeper = Sweeper(self, "Sweeping", settings=settings, bundler=bundler, keys=keys, data=data, reopener=reopener)
        reconciler = Reconciler(self, "Reconciling", settings=settings, bundler=bundler, keys=keys, data=data)
        notary = Notary(self, "Attesting", settings=settings, bundler=bundler, keys=keys, data=data)
        machine = RotationMachine(
            self,
            "RotationRun",
            settings=settings,
            rotation=rotation.consumer.function,
            workers={"sweeper": sweeper.consumer.function, "reconciler": reconciler.consumer.function},
            storage_key=keys.storage_key,
        ).machine
        RotationStart(
            self,
            "RotationStart",
            settings=settings,
            machine=machine,
            rotation=rotation.consumer.function,
            attribute_key_arns=keys.attribute_key.arns,
        )
        self._watch(
            settings,
            keys,
            data,
            machine=machine,
            dead_letters={
                "landing": data.landing.dead_letters,
                "encryptor": encryptor.dead_letters,
                "auditor": auditor.dead_letters,
            },
            consumers=[
                *(landing.consumer, encryptor.consumer, redriver.consumer, auditor.consumer, reauditor.consumer),
                *(reencryptor.consumer, sweeper.consumer, reconciler.consumer, rotation.consumer, reopener.consumer),
                notary.consumer,
            ],
        )

        cdk.CfnOutput(self, "LandingIngest", value=landing.consumer.function.function_name)
        cdk.CfnOutput(self, "LandingIngestLogGroup", value=landing.consumer.log_group.log_group_name)
        cdk.CfnOutput(self, "Encryptor", value=encryptor.consumer.function.function_name)
        cdk.CfnOutput(self, "EncryptorLogGroup", value=encryptor.consumer.log_group.log_group_name)
        cdk.CfnOutput(self, "Redriver", value=redriver.consumer.function.function_name)
        cdk.CfnOutput(self, "RedriverLogGroup", value=redriver.consumer.log_group.log_group_name)
        cdk.CfnOutput(self, "Auditor", value=auditor.consumer.function.function_name)
        cdk.CfnOutput(self, "AuditorLogGroup", value=auditor.consumer.log_group.log_group_name)
        cdk.CfnOutput(self, "Reauditor", value=reauditor.consumer.function.function_name)
        cdk.CfnOutput(self, "ReauditorLogGroup", value=reauditor.consumer.log_group.log_group_name)
        cdk.CfnOutput(self, "Reencryptor", value=reencryptor.consumer.function.function_name)
        cdk.CfnOutput(self, "ReencryptorLogGroup", value=reencryptor.consumer.log_group.log_group_name)
        cdk.CfnOutput(self, "Sweeper", value=sweeper.consumer.function.function_name)
        cdk.CfnOutput(self, "SweeperLogGroup", value=sweeper.consumer.log_group.log_group_name)
        cdk.CfnOutput(self, "Reconciler", value=reconciler.consumer.function.function_name)
        cdk.CfnOutput(self, "ReconcilerLogGroup", value=reconciler.consumer.log_group.log_group_name)
        cdk.CfnOutput(self, "Rotation", value=rotation.consumer.function.function_name)
        cdk.CfnOutput(self, "RotationLogGroup", value=rotation.consumer.log_group.log_group_name)
        cdk.CfnOutput(self, "Reopener", value=reopener.consumer.function.function_name)
        cdk.CfnOutput(self, "ReopenerLogGroup", value=reopener.consumer.log_group.log_group_name)
        cdk.CfnOutput(self, "Notary", value=notary.consumer.function.function_name)
        cdk.CfnOutput(self, "NotaryLogGroup", value=notary.consumer.log_group.log_group_name)
        cdk.CfnOutput(self, "NotaryMinutes", value=str(settings.audit.notary_minutes))
        cdk.CfnOutput(self, "EncryptorDeadLetterQueue", value=encryptor.dead_letters.queue_url)
        cdk.CfnOutput(self, "AuditorDeadLetterQueue", value=auditor.dead_letters.queue_url)
        cdk.CfnOutput(self, "RotationMachine", value=machine.state_machine_arn)

    def _watch(
        self,
        settings: Settings,
        keys: KeysStack,
        data: DataStack,
        *,
        machine: sfn.IStateMachine,
        dead_letters: Mapping[str, sqs.IQueue],
        consumers: Sequence[Consumer],
    ) -> None:
        """Alarms, dashboard and saved queries about all of it."""
        alarms = Alarms(
            self,
            "Alarms",
            settings=settings,
            topic=data.notifications.topic,
            data=data,
            dead_letters=dead_letters,
            machine=machine,
        )
        Dashboard(
            self,
            "Dashboard",
            settings=settings,
            data=data,
            alarms=alarms.names,
            consumers=consumers,
            api_functions={"tenant-api": tenant_api.MEMORY_MIB, "ensure-keys": ensure_keys.MEMORY_MIB}
            if settings.api
            else {},
            dead_letters={**dead_letters, "reencryptor": data.findings.dead_letters},
            key_store=keys.key_store,
        )
        Queries(
            self,
            "Queries",
            settings=settings,
            queries=QUERIES,
            log_groups={one.name: one.log_group for one in consumers},
        )
