"""The real `cdk` commands against a local AWS; then the stacks' outputs as an environment file."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from ops.local_aws import cdk
from ops.local_aws.files import shown, tail, write_atomically
from ops.local_aws.process import BUILD, PROJECT, LocalAwsError, Server
from ops.local_aws.synthesis import synthesis

ACCOUNT: Final = "000000000000"
REGION: Final = "us-east-1"
PREFIX: Final = "SEALSTREAM_"

_STACK_DONE: Final = re.compile(r"^\s*✅\s+(\S+)")
#: Made by the CDK for references between stacks; nothing a person would look for.
_INTERNAL_OUTPUT: Final = "ExportsOutput"


def credentials(server: Server) -> dict[str, str]:
    """The environment with which any AWS tool speaks to this server, as its root user."""
    return {
        "AWS_ENDPOINT_URL": server.endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
    }


def deploy(server: Server, folder: Path = BUILD, say: Callable[[str], None] = print) -> dict[str, str]:
    """Deploy all stacks of app.py and write `local.env` into the folder; returns its variables.

    Raises LocalAwsError, with the end of `deploy.log`, where a cdk command fails.
    """
    if not cdk.is_installed():
        raise LocalAwsError("the cdk command is not installed; run `make setup`")
    assembly, outputs = folder / "cdk.local", folder / "outputs.json"
    log = folder / "deploy.log"
    log.unlink(missing_ok=True)
    outputs.unlink(missing_ok=True)
    say("Bootstrapping it; meanwhile synthesising the stacks and bundling the Lambdas …")
    with synthesis(assembly, server.endpoint, folder / "synth.log") as synthesized:
        # Outside the project's folder, where cdk.json would make it synthesise the app once more.
        _run(["bootstrap", f"aws://{ACCOUNT}/{REGION}", "--no-notices"], server, log, cwd=folder)
        say("  bootstrapped")
        synthesized()
        say("  synthesised and bundled")
    say("Deploying the stacks …")
    _run(
        [
            *("deploy", "--all", "--app", str(assembly), "--outputs-file", str(outputs)),
            *("--require-approval", "never", "--method", "direct", "--concurrency", "3", "--progress", "events"),
        ],
        server,
        log,
        cwd=PROJECT,
        say=say,
    )
    environment = credentials(server) | variables(json.loads(outputs.read_text(encoding="utf-8")))
    write_atomically(folder / "local.env", environment_file(environment))
    return environment


def variables(outputs: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """`SEALSTREAM_KEY_STORE` and the like, from the outputs by stack; refuses two outputs of one name."""
    found: dict[str, str] = {}
    for stack, values in outputs.items():
        for output, value in values.items():
            if output.startswith(_INTERNAL_OUTPUT):
                continue
            name = PREFIX + re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", output).upper()
            if name in found:
                raise LocalAwsError(f"two stacks have an output {output}, the second is {stack}")
            found[name] = value
    return found


def environment_file(environment: Mapping[str, str]) -> str:
    """Text that a POSIX shell sources; what would outrank its credentials is unset."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in sorted(environment.items())]
    # The project's own `aws` comes last: where the caller has one, that one is meant.
    tools = shlex.quote(str(Path(sys.executable).parent))
    return "\n".join([*lines, f'export PATH="$PATH":{tools}', "unset AWS_PROFILE AWS_SESSION_TOKEN"]) + "\n"


def _run(
    arguments: list[str], server: Server, log: Path, *, cwd: Path, say: Callable[[str], None] | None = None
) -> None:
    """Run one cdk command; its whole output goes to the log, a line for each finished stack to `say`."""
    with (
        log.open("a", encoding="utf-8") as record,
        cdk.running(arguments, cwd=cwd, environment=credentials(server), output=subprocess.PIPE) as process,
    ):
        for line in process.stdout or ():
            record.write(line)
            done = _STACK_DONE.match(line)
            if say and done:
                say(f"  deployed {done.group(1)}")
        process.wait()
    if process.returncode != 0:
        raise LocalAwsError(f"cdk {arguments[0]} failed; {shown(log)} ends with:\n{tail(log)}")
