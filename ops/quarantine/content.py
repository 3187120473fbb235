"""What an entry holds, opened with the operator's own credentials."""

from __future__ import annotations

import os
from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import Final

from consumers.encryptor.again.content import kept_records, open_content
from shared.aws.clients import client
from shared.aws.held_entries import HeldEntries
from shared.aws.sealing_keys import SealingKeys
from shared.decode import decode
from shared.errors import KeyDenied, RecordRejected
from shared.file_source import ATTRIBUTE, LINE, FileSource, rejection
from shared.model import InboundRecord
from shared.runtime.audit_log import AuditLog
from shared.runtime.settings import EncryptorSettings

_WHO_MAY: Final = "who may, the attribute key's policy says: docs/runbook.md, Let somebody open values"


def opened(quarantine_id: str, environment: Mapping[str, str] = os.environ) -> Sequence[InboundRecord]:
    """The records of an entry, which lie in clear in this process from now on.

    Raises:
        KeyDenied: the credentials may not open what is in quarantine.
        CannotOpen: it was changed, is no sealed content, or its data key is gone.
        QuarantineCorrupt: row or content are not what sealstream keeps.
        StoreUnavailable: bucket, index or key store do not answer, or refuse.
        SettingsError: a name is missing from the environment.
        SystemExit: the content is gone.
    """
    settings = EncryptorSettings.from_environment(environment)
    keys = SealingKeys.of(settings, AuditLog())
    held = HeldEntries(
        client("s3"), client("dynamodb"), bucket=settings.quarantine_bucket, table=settings.quarantine_table
    )
    entry = held.find(quarantine_id)
    sealed = held.content(entry) if entry is not None and entry.object_key else None
    if entry is None or sealed is None:
        raise SystemExit(f"sealstream: the content of entry {quarantine_id} is gone")
    try:
        content = open_content(entry, sealed, keys.keyring(), keys.policy.dataset)
    except KeyDenied as error:
        raise KeyDenied(f"your credentials may not open what is in quarantine ({error}); {_WHO_MAY}") from None
    return kept_records(entry, content["M"])


def rejected_line(payload: bytes) -> bytes | None:
    """The line of a file that the landing ingest took for no record; None where the payload does not hold one."""
    try:
        attributes = decode(payload)
        FileSource.of(attributes[ATTRIBUTE])
        return b64decode(attributes[LINE]["S"], validate=True) if rejection(attributes[ATTRIBUTE]) else None
    except (RecordRejected, KeyError, ValueError):
        return None
