"""The README's commands, run as they stand there."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator

from ops.local_aws.process import PROJECT
from tests.integration.support import Deployment

ITEM = ("acme", "42")


def _commands(text: str) -> Iterator[str]:
    """The commands of all `sh` blocks; a line that ends with a pipe goes on in the next."""
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield from re.split(r"(?<!\|)\n", block.strip())


def test_the_readmes_commands_work_in_the_order_in_which_they_stand(deployment: Deployment, tmp_path):
    (tmp_path / "record.json").write_text(json.dumps({"tenant_id": "acme", "id": "1", "ssn": "x"}), encoding="utf-8")
    (tmp_path / "policy.toml").write_bytes((PROJECT / "policy.toml").read_bytes())
    ran = []
    for command in _commands((PROJECT / "README.md").read_text(encoding="utf-8")):
        if command.startswith(("make ", ". ")):
            continue  # the deployment is up, and its environment is given to each command
        script = f". {deployment.folder}/local.env; {command}"
        answer = subprocess.run(
            ["sh", "-c", script], cwd=tmp_path, capture_output=True, encoding="utf-8", check=False, timeout=60
        )
        assert 0 == answer.returncode, f"{command}\n{answer.stdout}{answer.stderr}"
        ran.append((command, answer.stdout))
        if "put-record" in command:
            deployment.wait_for_item(*ITEM)
            deployment.wait_for_event(item_id=ITEM[1])

    shown = {command.partition("#")[0].strip(): out for command, out in ran}
    assert "078-05-1120" not in shown["sealstream item get acme 42"]
    assert "078-05-1120" in shown["sealstream item get acme 42 --open"]
    assert "item.written" in next(out for command, out in ran if "filter-log-events" in command)
    assert 6 == len(ran)
