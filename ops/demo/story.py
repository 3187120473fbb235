"""What happens between the deployment and its end, in order; shown as it happens, and counted."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any, Final

from rich.table import Table

from ops.demo import auditor_page, doors, evidence, rogue, rotation, samples
from ops.demo.leaks import LeakSearch
from ops.demo.produce import as_aggregates, with_command_line, with_sdk
from ops.demo.progress import Reported, wait_until
from ops.demo.records import DemoRecord, card_number, customer_records, unusable_records
from ops.demo.screen import bars, console
from ops.demo.timings import Timings
from shared.model import Outcome
from shared.runtime.metrics import Metric

RECORDS: Final = 1_200
SEED: Final = 20_261
BY_COMMAND_LINE: Final = 60
BY_KPL: Final = 300
_MEANING: Final = {
    Outcome.WRITTEN: "stored, sealed",
    Outcome.DUPLICATE: "the same record was there already",
    Outcome.SUPERSEDED: "a newer record of the same item was there already",
    Outcome.QUARANTINED: "no record; kept sealed, with a reason",
    Outcome.RETRY: "delivered again",
}


def story(environment: Mapping[str, str], timings: Timings, *, log: Path, token_of: doors.TokenOf) -> dict[str, Any]:
    """Tell it on a deployment; gives the figures.

    Args:
        environment: the stacks' outputs as `SEALSTREAM_*`.
        timings: gets the seconds of each part.
        log: the local AWS's own, which is searched too.
        token_of: gives a token of a tenant's, for the tenant API.
    """
    began = time.time()
    records = list(customer_records(RECORDS, seed=SEED))
    bad = unusable_records(seed=SEED)
    card = card_number(Random(SEED))  # noqa: S311 - reproducible data, no secret

    by_api = samples.of_api(seed=SEED)
    known = [samples.of_stream(_only_record_of_its_item(records)), samples.of_file(), *by_api.values()]

    console.rule(f"2. {len(records)} records of five tenants, and {len(bad)} that are no records")
    with timings.of("sending"):
        _send(environment["SEALSTREAM_STREAM"], records, bad)

    console.rule("3. Until every record has its outcome and every change its audit event")
    sent = len(records) + len(bad)
    with timings.of("until all is audited"):
        reported = _settled(environment, sent)
    _print_counts(reported)

    console.rule("4. The other doors: a file, and two tenants who call the API, each with a token of its own")
    sent += len(samples.FILE.splitlines())
    with timings.of("file and tenant API"):
        doors.upload(environment)
        api_figures = doors.call_api(environment, token_of, by_api)
        file_tags = doors.tags(environment)
        reported = _settled(environment, sent)

    console.rule("5. One item of each door, as stored and as opened")
    read_back = doors.read_back(environment, known)

    console.rule("6. A rogue item, written in clear past it all")
    with timings.of("rogue item"):
        rogue_figures = rogue.write_and_watch(environment, card)

    console.rule("7. A rotation of all data keys")
    with timings.of("rotation"):
        rotated = rotation.rotate(environment)

    console.rule("8. Every sensitive value that was sent, searched for everywhere")
    with timings.of("leak search"):
        values = {value for one in (*records, *bad) for value in one.sensitive} | {card}
        values |= {value for one in known for value in one.sensitive}
        leaks = LeakSearch(values)
        searched = evidence.search(environment, leaks, rogue=rogue.KEY, log=log)
    console.print(evidence.as_table(searched))
    console.print(f"what was sent lies there as it was sent: {', '.join(evidence.IN_CLEAR_BY_NATURE)}")

    console.rule("9. What an auditor is handed")
    with timings.of("report"):
        report = auditor_page.make(environment, leaks, since=began)

    return {
        "records_sent": sent,
        "outcomes": dict(reported.outcomes),
        "quarantined_by_reason": reported.quarantined_by_reason,
        "attributes_sealed": reported.metrics[Metric.ATTRIBUTES_SEALED],
        "kms_calls": reported.metrics[Metric.KMS_CALLS],
        "key_cache_hits": reported.metrics[Metric.KEY_CACHE_HITS],
        "doors": {"file": file_tags, "api": api_figures, "read_back": read_back},
        "rogue_item": rogue_figures,
        **rotated,
        "report": report,
        "values_searched": len(values),
        "places_in_clear_by_nature": list(evidence.IN_CLEAR_BY_NATURE),
        "places_searched": {place.name: place.documents for place in searched},
        "plaintext_hits": sum(place.hits for place in searched),
        "plaintext_hits_in_the_rogue_item": {place.name: place.rogue_hits for place in searched if place.rogue_hits},
    }


def _settled(environment: Mapping[str, str], records: int) -> Reported:
    return wait_until(lambda now: now.settled >= records and now.is_audited, environment, records=records)


def _only_record_of_its_item(records: list[DemoRecord]) -> DemoRecord:
    """The first of which no other brings news."""
    counts = Counter(record.partition_key for record in records)
    return next(record for record in records if counts[record.partition_key] == 1)


def _send(stream: str, records: list[DemoRecord], bad: list[DemoRecord]) -> None:
    by_command_line = records[:BY_COMMAND_LINE]
    by_kpl, by_sdk = records[BY_COMMAND_LINE : BY_COMMAND_LINE + BY_KPL], records[BY_COMMAND_LINE + BY_KPL :]
    with bars() as progress:
        task = progress.add_task("aws kinesis put-record(s)", total=len(by_command_line))
        progress.advance(task, with_command_line(stream, by_command_line))
        task = progress.add_task("KPL aggregates", total=len(by_kpl))
        for count in as_aggregates(stream, by_kpl):
            progress.advance(task, count)
        task = progress.add_task("SDK PutRecords", total=len(by_sdk) + len(bad))
        for count in with_sdk(stream, [*by_sdk, *bad]):
            progress.advance(task, count)


def _print_counts(reported: Reported) -> None:
    outcomes = Table("records", "outcome", box=None)
    for outcome in Outcome:
        outcomes.add_row(str(reported.outcomes[outcome]), f"{outcome} — {_MEANING[outcome]}")
    console.print(outcomes, _changes(reported), sep="\n")


def _changes(reported: Reported) -> Table:
    table = Table("changes of the table", "audit event", box=None)
    for name, count in reported.item_event_counts.items():
        table.add_row(str(count), name)
    return table
