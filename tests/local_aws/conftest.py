"""One local AWS for all contract tests.

`LOCAL_AWS=stock pytest tests/local_aws` starts MiniStack without the repairs: each contract test must fail then.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from ops.local_aws import process
from tests.local_aws.support import LocalAws


@pytest.fixture(scope="session")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    folder = tmp_path_factory.mktemp("local_aws")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PERSONAL_TOKEN", "not for Lambdas")
        server = process.start(folder, stock=os.environ.get("LOCAL_AWS") == "stock")
    aws = LocalAws(server.endpoint)
    try:
        yield aws
    finally:
        aws.close()
        process.stop(folder)
