from __future__ import annotations

import pytest

from tests.local_aws.support import LocalAws, invoke, make_function

SOURCE = """
import importlib

def handler(event, context):
    try:
        return importlib.import_module(event).__name__
    except ImportError:
        return "missing"
"""


@pytest.mark.parametrize("library", ["hypothesis", "ministack", "ops", "shared"])
def test_a_library_that_the_bundle_lacks_is_missing(local_aws: LocalAws, library: str) -> None:
    assert "missing" == invoke(local_aws, make_function(local_aws, SOURCE), library)


@pytest.mark.also_on_stock
@pytest.mark.parametrize("library", ["boto3", "botocore.session", "json", "ctypes", "index"])
def test_the_runtimes_libraries_and_the_functions_own_are_there(local_aws: LocalAws, library: str) -> None:
    assert library == invoke(local_aws, make_function(local_aws, SOURCE), library)
