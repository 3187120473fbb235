from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest

from ops.local_aws.deploy import environment_file, variables
from ops.local_aws.files import write_atomically
from ops.local_aws.process import LocalAwsError


def test_outputs_become_variables_but_for_those_that_the_cdk_made() -> None:
    outputs = {
        "SealstreamKeys": {"KeyStore": "store", "ExportsOutputRefKey1A2B": "internal"},
        "SealstreamData": {"Stream": "stream", "ApiUrl": "http://x"},
    }
    expected = {"SEALSTREAM_KEY_STORE": "store", "SEALSTREAM_STREAM": "stream", "SEALSTREAM_API_URL": "http://x"}
    assert expected == variables(outputs)


def test_two_outputs_of_one_name_are_refused() -> None:
    with pytest.raises(LocalAwsError, match="two stacks have an output Stream"):
        variables({"One": {"Stream": "a"}, "Two": {"Stream": "b"}})


def test_a_shell_sources_the_environment_file_and_forgets_other_credentials(tmp_path: Path) -> None:
    path = tmp_path / "local.env"
    write_atomically(path, environment_file({"SEALSTREAM_ODD": "it's $HOME; rm -rf \\ *", "AWS_REGION": "us-east-1"}))
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IRUSR | stat.S_IWUSR
    script = f'. {path} && sh -c \'printf "%s|" "$SEALSTREAM_ODD" "$AWS_REGION" "$AWS_PROFILE" "$AWS_SESSION_TOKEN"\''
    printed = subprocess.run(
        ["/bin/sh", "-c", script],
        env={"AWS_PROFILE": "production", "AWS_SESSION_TOKEN": "left over", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "it's $HOME; rm -rf \\ *|us-east-1|||" == printed.stdout
