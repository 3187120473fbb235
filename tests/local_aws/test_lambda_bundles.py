from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.local_aws.support import LocalAws, invoke, make_function

# Its invocations end together, so each has a worker of its own.
SOURCE = """
import os, time
from pathlib import Path

def handler(event, context):
    met = Path(event["meet"])
    (met / str(os.getpid())).touch()
    deadline = time.monotonic() + 5
    while len(list(met.iterdir())) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    return {"process": os.getpid(), "file": os.path.realpath(__file__), "is in": os.environ["LAMBDA_TASK_ROOT"]}
"""


def test_all_workers_of_a_bundle_run_one_unpacked_and_compiled_copy_of_it(local_aws: LocalAws, tmp_path: Path) -> None:
    function = make_function(local_aws, SOURCE)
    other = make_function(local_aws, SOURCE + "# another bundle")
    with ThreadPoolExecutor(3) as threads:
        ran = [threads.submit(invoke, local_aws, function, {"meet": str(tmp_path)}) for _ in range(3)]
    answers = [one.result() for one in ran]
    assert 3 == len({answer["process"] for answer in answers})
    [module] = {Path(answer["file"]) for answer in answers}
    assert {module.parent} == {Path(answer["is in"]).resolve() for answer in answers}
    assert module != Path(invoke(local_aws, other, {"meet": str(tmp_path)})["file"])
    assert ["index"] == [path.name.partition(".")[0] for path in (module.parent / "__pycache__").iterdir()]


def test_what_all_workers_would_compile_the_first_one_compiles_alone(local_aws: LocalAws, tmp_path: Path) -> None:
    begins = """
import os, time
with open(os.environ["IMPORTS"], "a") as file:
    file.write(f"{os.getpid()} begins\\n")
time.sleep(0.3)  # takes its time, as a compiler does
with open(os.environ["IMPORTS"], "a") as file:
    file.write(f"{os.getpid()} ends\\n")
"""
    imports = tmp_path / "imports"
    function = make_function(local_aws, begins + SOURCE, environment={"IMPORTS": str(imports)})
    met = tmp_path / "met"
    met.mkdir()
    with ThreadPoolExecutor(3) as threads:
        ran = [threads.submit(invoke, local_aws, function, {"meet": str(met)}) for _ in range(3)]
    assert 3 == len({one.result()["process"] for one in ran})
    first, *others = imports.read_text().splitlines()
    assert first.replace("begins", "ends") == others[0]


@pytest.mark.also_on_stock
def test_a_worker_that_ends_leaves_the_bundle_to_the_others(local_aws: LocalAws, tmp_path: Path) -> None:
    function = make_function(
        local_aws, "import os\ndef handler(event, context):\n    event and os._exit(1)\n    return 1\n"
    )
    assert 1 == invoke(local_aws, function)
    assert "errorMessage" in invoke(local_aws, function, "end")
    assert 1 == invoke(local_aws, function)
