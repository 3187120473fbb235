"""Which worker runs which file of tests, where `--dist loadfile` is asked for: few of them deploy the stacks."""

from __future__ import annotations

from pathlib import PurePath
from typing import Final

from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

DEPLOYMENTS: Final = 2
"""How many workers have a deployment of the stacks: two are done sooner than one, a third would need its memory."""

_ON_A_DEPLOYMENT: Final = PurePath("tests/integration")
_WITH_ONE_OF_ITS_OWN: Final = _ON_A_DEPLOYMENT / "test_demo.py"
_LEAVES_MUCH: Final = _ON_A_DEPLOYMENT / "test_landing.py"
"""Megabytes in streams, which whoever searches or reads all of them would read again."""


def needs_a_deployment(file: str) -> bool:
    """Whether the tests of a file, as it is collected, share the stacks of their worker."""
    path = PurePath(file)
    return path.is_relative_to(_ON_A_DEPLOYMENT) and path != _WITH_ONE_OF_ITS_OWN


def _comes_before_others(file: str) -> tuple[bool, bool]:
    return needs_a_deployment(file), PurePath(file) != _LEAVES_MUCH


class Distribution(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """A worker takes file after file, those first that were named first; on a deployment, those that need one."""

    def _assign_work_unit(self, node: WorkerController) -> None:
        deployed = [one for one, files in self.assigned_work.items() if any(map(needs_a_deployment, files))]
        may_deploy = node in deployed or len(deployed) < DEPLOYMENTS
        left = [file for file in self.workqueue if may_deploy or not needs_a_deployment(file)]
        if not left:
            node.shutdown()
            return
        self.workqueue.move_to_end(max(left, key=_comes_before_others), last=False)
        super()._assign_work_unit(node)
