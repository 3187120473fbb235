"""Where the trail lies."""

from __future__ import annotations

import pytest

from ops.audit.folder import Folder
from ops.audit.objects import objects_of
from shared.aws.audit_bucket import AuditBucket
from shared.errors import SettingsError


def test_it_is_the_bucket_that_the_environment_names(monkeypatch):
    monkeypatch.setenv("SEALSTREAM_AUDIT_BUCKET", "trail")
    monkeypatch.setattr("ops.audit.objects.client", lambda service: service)
    assert isinstance(objects_of(None), AuditBucket)


def test_without_a_name_there_is_none(monkeypatch):
    monkeypatch.delenv("SEALSTREAM_AUDIT_BUCKET", raising=False)
    with pytest.raises(SettingsError, match="SEALSTREAM_AUDIT_BUCKET"):
        objects_of(None)


def test_or_a_copy_which_has_to_be_there(tmp_path):
    assert isinstance(objects_of(tmp_path), Folder)
    with pytest.raises(SettingsError, match="is no folder"):
        objects_of(tmp_path / "nothing")
