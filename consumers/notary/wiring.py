"""What the notary is made of, built once per process."""

from __future__ import annotations

from functools import partial

from consumers.notary.notary import Notary
from consumers.notary.ports import Key
from shared.aws.audit_bucket import AuditBucket
from shared.aws.clients import client
from shared.aws.signing_keys import KmsSigningKeys
from shared.aws.trail_end import TrailEnd
from shared.runtime.log import quiet_libraries
from shared.runtime.settings import NotarySettings


def wire(settings: NotarySettings) -> Notary:
    """Build it on AWS; the public keys are KMS's own, each asked for when it is needed first."""
    quiet_libraries()
    kms = KmsSigningKeys(client("kms"))
    keys = [Key(arn, partial(kms.public_key, arn), partial(kms.sign, arn)) for arn in settings.keys]
    return Notary(AuditBucket(client("s3"), settings.bucket), TrailEnd(client("dynamodb"), settings.runs), keys)
