"""`make demo`: the main job on the local AWS, from nothing to evidence; ends what it started and says how it went."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from random import Random
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from ops.demo import evidence
from ops.demo.leaks import LeakSearch
from ops.demo.produce import as_aggregates, with_command_line, with_sdk
from ops.demo.progress import Reported, read_reports
from ops.demo.records import DemoRecord, card_number, customer_records, unusable_records
from ops.item import side_by_side
from ops.local_aws.interrupts import held_back
from ops.local_aws.process import BUILD, LocalAwsError
from ops.local_aws.up import Up, down, up
from shared.aws.clients import client, forget
from shared.errors import SealstreamError
from shared.model import Outcome, VerdictKind

RECORDS: Final = 1_200
SEED: Final = 20_261
BY_COMMAND_LINE: Final = 60
BY_KPL: Final = 300
ROGUE: Final = ("acme-bank", "rogue-item")
DEADLINE_SECONDS: Final = 120
_MEANING: Final = {
    Outcome.WRITTEN: "stored, sealed",
    Outcome.DUPLICATE: "the same record was there already",
    Outcome.SUPERSEDED: "a newer record of the same item was there already",
    Outcome.QUARANTINED: "no record; kept sealed, with a reason",
    Outcome.RETRY: "delivered again",
}
_FOLDER: Final = BUILD / "demo"
_FIGURES: Final = BUILD / "demo.json"

console = Console(highlight=False)


def main() -> int:
    """Run the demo; 0 where everything that it promises was seen to be so, 1 where not, 130 on Ctrl-C."""
    try:
        return _verdict_on(_run())
    except (LocalAwsError, SealstreamError, TimeoutError) as error:
        console.print(f"[red]The demo ended early:[/] {error}", soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print("Interrupted; nothing is left running.")
        return 130


def _run() -> dict[str, Any]:
    """The story on a local AWS of its own, which is ended whatever happens; the figures, also written to a file."""
    started = time.monotonic()
    timings: dict[str, float] = {}
    with _timed(timings, "local AWS and deployment"):
        console.rule("1. A local AWS, and the stacks on it by cdk deploy")
        running = up(_FOLDER, say=console.print)
    try:
        os.environ.update(running.environment)
        forget()
        figures = _story(running, timings)
    finally:
        with _timed(timings, "ending"), held_back():
            down(_FOLDER)
    timings["all"] = time.monotonic() - started
    figures["seconds"] = {name: round(seconds, 1) for name, seconds in timings.items()}
    _FIGURES.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return figures


class _timed:  # noqa: N801 - reads as a word at its use
    """Adds the seconds of its block to the timings."""

    def __init__(self, timings: dict[str, float], name: str) -> None:
        self._timings, self._name = timings, name

    def __enter__(self) -> None:
        self._started = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self._timings[self._name] = time.monotonic() - self._started


def _story(running: Up, timings: dict[str, float]) -> dict[str, Any]:
    records = list(customer_records(RECORDS, seed=SEED))
    bad = unusable_records(seed=SEED)
    rogue_card = card_number(Random(SEED))  # noqa: S311 - reproducible data, no secret

    console.rule(f"2. {len(records)} records of five tenants, and {len(bad)} that are no records")
    with _timed(timings, "sending"):
        _send(running.environment["SEALSTREAM_STREAM"], records, bad)
    _write_rogue_item(running.environment["SEALSTREAM_TABLE"], rogue_card)
    console.print(f"one rogue item written straight into the table, with a card number in clear: {'/'.join(ROGUE)}")

    console.rule("3. Until every record has its outcome and every change its audit event")
    with _timed(timings, "until all is audited"):
        reported = _wait(running.environment, sent=len(records) + len(bad))
    _print_counts(reported)

    console.rule("4. One item, as stored and as opened")
    tenant, _, item_id = records[0].partition_key.partition("/")
    console.print(side_by_side(tenant, item_id))

    console.rule("5. Every sensitive value that was sent, searched for everywhere")
    with _timed(timings, "leak search"):
        values = {value for one in (*records, *bad) for value in one.sensitive} | {rogue_card}
        searched = evidence.search(running.environment, LeakSearch(values), rogue=ROGUE, log=_FOLDER / "local_aws.log")
    console.print(evidence.as_table(searched))

    console.rule("6. What the auditor says of the rogue item")
    rogue_events = [event for event in reported.item_events() if event["item_id"] == ROGUE[1]]
    for event in rogue_events:
        console.print_json(data=event)
    return {
        "records_sent": len(records) + len(bad),
        "outcomes": dict(reported.outcomes),
        "quarantined_by_reason": reported.quarantined_by_reason,
        "verdicts": dict(reported.verdicts),
        "changes_of_the_table": reported.changes,
        "changes_audited": reported.audited,
        "attributes_sealed": reported.metrics["AttributesSealed"],
        "kms_calls": reported.metrics["KmsCalls"],
        "key_cache_hits": reported.metrics["KeyCacheHits"],
        "rogue_item_found": bool(rogue_events) and rogue_events[0]["verdict"] == VerdictKind.PLAINTEXT,
        "values_searched": len(values),
        "places_searched": {place.name: place.documents for place in searched},
        "plaintext_hits": sum(place.hits for place in searched),
        "plaintext_hits_in_the_rogue_item": sum(place.rogue_hits for place in searched),
    }


def _send(stream: str, records: list[DemoRecord], bad: list[DemoRecord]) -> None:
    by_command_line = records[:BY_COMMAND_LINE]
    by_kpl, by_sdk = records[BY_COMMAND_LINE : BY_COMMAND_LINE + BY_KPL], records[BY_COMMAND_LINE + BY_KPL :]
    with _progress() as progress:
        task = progress.add_task("aws kinesis put-record(s)", total=len(by_command_line))
        progress.advance(task, with_command_line(stream, by_command_line))
        task = progress.add_task("KPL aggregates", total=len(by_kpl))
        for count in as_aggregates(stream, by_kpl):
            progress.advance(task, count)
        task = progress.add_task("SDK PutRecords", total=len(by_sdk) + len(bad))
        for count in with_sdk(stream, [*by_sdk, *bad]):
            progress.advance(task, count)


def _write_rogue_item(table: str, card: str) -> None:
    tenant, item_id = ROGUE
    item: dict[str, Any] = {
        "tenant_id": {"S": tenant},
        "item_id": {"S": item_id},
        "payment": {"M": {"card_number": {"S": card}}},
    }
    client("dynamodb").put_item(TableName=table, Item=item)


def _wait(environment: dict[str, str], *, sent: int) -> Reported:
    deadline = time.monotonic() + DEADLINE_SECONDS
    with _progress() as progress:
        settled = progress.add_task("records with their outcome", total=sent)
        audited = progress.add_task("changes audited", total=None)
        while True:
            reported = read_reports(
                encryptor_log=environment["SEALSTREAM_ENCRYPTOR_LOG_GROUP"],
                auditor_log=environment["SEALSTREAM_AUDITOR_LOG_GROUP"],
                table_stream=environment["SEALSTREAM_TABLE_STREAM"],
            )
            progress.update(settled, completed=reported.settled)
            progress.update(audited, completed=reported.audited, total=reported.changes)
            if reported.settled >= sent and reported.audited >= reported.changes > 0:
                return reported
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"after {DEADLINE_SECONDS} s: {reported.settled} of {sent} records have an outcome, "
                    f"{reported.audited} of {reported.changes} changes are audited; see {_FOLDER}/local_aws.log"
                )
            time.sleep(0.5)


def _print_counts(reported: Reported) -> None:
    outcomes = Table("records", "outcome", box=None)
    for outcome in Outcome:
        outcomes.add_row(str(reported.outcomes[outcome]), f"{outcome} — {_MEANING[outcome]}")
    verdicts = Table("changes of the table", "verdict of the auditor", box=None)
    for kind, count in reported.verdicts.items():
        verdicts.add_row(str(count), f"{kind}{' — the rogue item' if kind is VerdictKind.PLAINTEXT else ''}")
    console.print(outcomes, verdicts, sep="\n")


def _verdict_on(figures: dict[str, Any]) -> int:
    console.rule("Result")
    outcomes = figures["outcomes"]
    promises = {
        "every record has exactly one outcome": sum(outcomes.values()) - outcomes["retry"] == figures["records_sent"],
        "every change of the table is audited": figures["changes_audited"] == figures["changes_of_the_table"],
        "the rogue item was found": figures["rogue_item_found"],
        "nothing else lies in clear": figures["verdicts"].get(VerdictKind.PLAINTEXT) == 1,
        "0 plaintext hits outside the rogue item": figures["plaintext_hits"] == 0,
        "the search does find the rogue item's card number": figures["plaintext_hits_in_the_rogue_item"] > 0,
    }
    for promise, kept in promises.items():
        console.print(f"{'[green]yes[/]' if kept else '[red]NO [/]'} {promise}")
    seconds = figures["seconds"]
    console.print("seconds: " + ", ".join(f"{name} {value}" for name, value in seconds.items()))
    console.print(f"figures: {_FIGURES.relative_to(Path.cwd()) if _FIGURES.is_relative_to(Path.cwd()) else _FIGURES}")
    return 0 if all(promises.values()) else 1


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )


if __name__ == "__main__":
    sys.exit(main())
