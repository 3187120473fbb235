"""What functions tell lies in the audit bucket, event by event; what cannot be kept is not reported as done."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from ops.audit.reading import Trail
from ops.local_aws import faults
from ops.local_aws.faults import Fault, Kind
from shared.aws.audit_bucket import AuditBucket
from shared.aws.clients import client
from tests.integration.support import ARRIVES_WITHIN_SECONDS, FAULTS_FILE, Deployment, unique
from tests.local_aws.support import wait_until

A_DAY = 86_400.0


def kept(deployment: Deployment, **fields: str) -> dict[str, str]:
    """Names of the trail's events that have these fields, by id."""
    trail = Trail(AuditBucket(client("s3"), deployment["AUDIT_BUCKET"]))
    now = time.time()
    found = trail.events(now - A_DAY, now + A_DAY, wanted=lambda event: fields.items() <= event.items())
    return {event["event_id"]: event["event"] for event in found}


@contextmanager
def trail_down(deployment: Deployment, function: str, kind: Kind) -> Iterator[None]:
    """No segment of this function gets into the bucket meanwhile."""
    file = deployment.folder / FAULTS_FILE
    faults.write(file, [Fault(kind, 1, service="s3", operation="PutObject", function=function)], seed=1)
    try:
        yield
    finally:
        faults.write(file, [], seed=1)


def test_every_event_that_is_in_a_log_is_in_the_trail(deployment: Deployment):
    tenant = unique("told")
    deployment.put_json({"tenant_id": tenant, "id": "1", "ssn": "078-05-1120"})
    deployment.put_in_clear(tenant, "2", {"ssn": "078-05-1120"})
    deployment.wait_for_event(event="item.written", tenant_id=tenant, item_id="1")
    deployment.wait_for_event(event="item.remediated", tenant_id=tenant, item_id="2")

    logged = {event["event_id"]: event["event"] for event in deployment.audit_events(tenant_id=tenant)}

    wait_until(lambda: kept(deployment, tenant_id=tenant) == logged, ARRIVES_WITHIN_SECONDS, 0.2)
    assert {"key.created", "item.written", "item.plaintext_found", "item.remediated"} == set(logged.values())


def test_a_change_is_audited_once_its_event_can_be_kept(deployment: Deployment):
    tenant = unique("unkept")
    with trail_down(deployment, deployment["AUDITOR"], Kind.UNAVAILABLE):
        deployment.put_json({"tenant_id": tenant, "id": "1", "ssn": "078-05-1120"})
        deployment.wait_for_event(event="item.written", tenant_id=tenant)
        assert "item.written" not in kept(deployment, tenant_id=tenant).values()

    wait_until(lambda: "item.written" in kept(deployment, tenant_id=tenant).values(), ARRIVES_WITHIN_SECONDS, 0.2)


def test_a_key_is_told_though_its_maker_was_killed_before_he_could(deployment: Deployment):
    tenant = unique("unkept")
    with trail_down(deployment, deployment["ENCRYPTOR"], Kind.KILL_BEFORE):
        deployment.put_json({"tenant_id": tenant, "id": "1", "ssn": "078-05-1120"})
        deployment.wait_for_event(event="key.created", tenant_id=tenant)
        assert "key.created" not in kept(deployment, tenant_id=tenant).values()

    wait_until(lambda: "key.created" in kept(deployment, tenant_id=tenant).values(), ARRIVES_WITHIN_SECONDS, 0.2)
