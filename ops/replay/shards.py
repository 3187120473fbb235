"""Shards of the source stream in their order: a child's turn comes when its parents are read to their end."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from threading import Condition

from ops.functions import Invoke, not_understood


@dataclass(frozen=True, slots=True)
class Shard:
    """One shard; `parents` may name shards that are not read."""

    shard_id: str
    parents: tuple[str, ...] = ()


def shards_since(redriver: Invoke, since: float) -> tuple[list[Shard], float | None]:
    """Those that may hold records from a time on, and when the oldest arrived that is held; raises as `Invoke`.

    Args:
        redriver: who is asked.
        since: seconds since the epoch, as the answer; None where the stream forgot nothing yet.
    """
    answer = redriver({"operation": "shards", "from": since})
    try:
        forgotten_before = answer["forgotten_before"]
        shards = [Shard(str(one["shard_id"]), tuple(map(str, one["parents"]))) for one in answer["shards"]]
        return shards, None if forgotten_before is None else float(forgotten_before)
    except (KeyError, TypeError, ValueError):
        raise not_understood("redriver") from None


class Turns:
    """Hands shards out to workers."""

    def __init__(self, shards: Sequence[Shard]) -> None:
        self._waiting = list(shards)
        self._unread = {shard.shard_id for shard in shards}
        self._changed = Condition()
        self._ended = False

    def take(self) -> Shard | None:
        """The next shard whose parents are read, when there is one; None when none is left, or it ended."""
        with self._changed:
            while self._waiting and not self._ended:
                for shard in self._waiting:
                    if not self._unread.intersection(shard.parents):
                        self._waiting.remove(shard)
                        return shard
                self._changed.wait()
            return None

    def read(self, shard: Shard) -> None:
        """A shard is read to its end."""
        with self._changed:
            self._unread.discard(shard.shard_id)
            self._changed.notify_all()

    def end(self) -> None:
        """Hand out no more."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()


def chosen(shards: Sequence[Shard], shard_ids: Collection[str]) -> list[Shard]:
    """Those that are named, or all where none is.

    Raises:
        ValueError: one of the names is of none of them.
    """
    unknown = {*shard_ids} - {shard.shard_id for shard in shards}
    if unknown:
        raise ValueError(", ".join(sorted(unknown)))
    return [shard for shard in shards if not shard_ids or shard.shard_id in shard_ids]
