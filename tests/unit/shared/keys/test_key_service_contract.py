"""What every key service does: the fake of the tests and KMS (on moto)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto import mock_aws

from shared.aws.kms import KmsKeyService
from shared.errors import DoesNotOpen
from shared.keys.ports import KeyService, encryption_context
from tests.fakes.key_service import FakeKeyService
from tests.fakes.moto_aws import kms_with_attribute_key

CONTEXT = encryption_context(tenant_id="tenant-1", data_class="pii", dataset="customers", key_id=0xBEEF)


@pytest.fixture(params=["fake", "kms"])
def service(request) -> Iterator[KeyService]:
    if request.param == "fake":
        yield FakeKeyService()
        return
    with mock_aws():
        yield KmsKeyService(*kms_with_attribute_key())


def test_a_generated_key_is_32_bytes_and_opens_again(service):
    made = service.generate(CONTEXT)
    assert len(made.plaintext) == 32
    assert made.plaintext not in made.encrypted
    assert made.plaintext == service.decrypt(made.encrypted, made.kms_key_arn, CONTEXT)


def test_two_generated_keys_differ(service):
    assert service.generate(CONTEXT).plaintext != service.generate(CONTEXT).plaintext


@pytest.mark.parametrize("name", ["tenant_id", "data_class", "dataset", "key_id"])
def test_no_pair_of_the_context_may_differ_or_lack(service, name):
    made = service.generate(CONTEXT)
    for other in ({**CONTEXT, name: "other"}, {key: value for key, value in CONTEXT.items() if key != name}):
        with pytest.raises(DoesNotOpen):
            service.decrypt(made.encrypted, made.kms_key_arn, other)


def test_changed_bytes_do_not_open(service):
    made = service.generate(CONTEXT)
    changed = made.encrypted[:-1] + bytes([made.encrypted[-1] ^ 1])
    with pytest.raises(DoesNotOpen):
        service.decrypt(changed, made.kms_key_arn, CONTEXT)
