"""One local AWS with the real stacks deployed on it, shared by all integration tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ops.local_aws.up import down, up
from shared.aws.clients import forget
from tests.integration.support import FAULTS_FILE, Deployment


@pytest.fixture(scope="session")
def _deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("deployment")
    patch = pytest.MonkeyPatch()
    try:
        running = up(folder, keep_state=True, faults=folder / FAULTS_FILE)
        for name, value in running.environment.items():
            patch.setenv(name, value)
        forget()
        yield Deployment(running.environment, folder)
    finally:
        patch.undo()
        forget()
        down(folder)


@pytest.fixture(scope="module")
def deployment(_deployed: Deployment) -> Iterator[Deployment]:
    """The stacks with an empty items table: no file of tests rotates and scans what others left."""
    yield _deployed
    _deployed.remove_items()
