"""What the dashboard shows, question by question, in the order in which somebody who was woken asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs

from infra.alarms import AUDITING, BEHIND_MINUTES, OVERDUE, QUOTA_PERCENT, SEALING, asking
from infra.dashboard_widgets import WIDTH, Row, graph, heading, latest, numbers
from infra.data_stack import DataStack
from infra.metrics import PERIOD, Metrics, calculated, kms_used
from shared.errors import Reason
from shared.runtime.metrics import Metric, reason_metric

WRITING: Final = ("encryptor", "redriver")
MENDING: Final = ("reencryptor", "sweeper")
_SCANNING: Final = ("sweeper", "reconciler")
_READING: Final = ("encryptor", "redriver", "auditor", "reauditor", "reencryptor")
"""Those that tell how old the oldest of a batch was."""
_TIMED: Final = (*_READING, "sweeper", "reconciler", "landing-ingest", "notary")
"""Those that tell how long a batch took."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows but that of the cost.

    Attributes:
        functions: all that are deployed.
        dead_letters: each consumer's queue.
        has_api: whether there is a tenant API.
    """

    metrics: Metrics
    data: DataStack
    functions: Sequence[str]
    dead_letters: Mapping[str, sqs.IQueue]
    has_api: bool

    def _heading(self, question: str, note: str, *sections: str) -> Row:
        return heading(question, note, watch=self.metrics.settings.watch, sections=sections)

    def exposed(self) -> list[Row]:
        """Is anything exposed."""
        own, total = self.metrics.own, self.metrics.total
        waits = self.data.findings.queue.metric_approximate_age_of_oldest_message(
            statistic="Maximum", period=PERIOD, label="oldest finding waits, s (right)"
        )
        denied = (
            [own("tenant-api", Metric.ACCESS_DENIED, label="turned away by the tenant API")] if self.has_api else []
        )
        found = [
            total(AUDITING, Metric.ITEMS_PLAINTEXT, label="in clear"),
            total(AUDITING, Metric.ITEMS_MALFORMED, label="malformed"),
            total(AUDITING, Metric.ITEMS_UNDECLARED, label="undeclared, looks sensitive"),
        ]
        sealed = total(MENDING, Metric.VALUES_SEALED, label="values sealed in their place")
        left = own("reencryptor", Metric.ITEMS_LEFT, label="times an item was left as it is")
        census = own("sweeper", Metric.VALUES_IN_CLEAR, label="in clear by a census")
        return [
            self._heading(
                "1 · Is anything exposed?",
                "First what is known now, then what happened: that is sealed in seconds, or it waits, or is left.",
                "Plaintext found",
                "Malformed",
                "Findings wait",
                "The audit trail does not verify",
            ),
            [latest("Now, as far as is known", self._standing(), width=WIDTH)],
            [numbers("What happened in the time that you look at", [*found, sealed, left, census])],
            [
                graph(
                    "Changes and standing items, by what is wrong",
                    [*found, total(AUDITING, Metric.ITEMS_STALE, label="stale: sealed, but not as of now")],
                ),
                graph(
                    "What became of findings",
                    [
                        total(("auditor", "reauditor", "reconciler"), Metric.FINDINGS_SENT, label="sent"),
                        own("reencryptor", Metric.FINDINGS_RECEIVED, label="received"),
                        own("reencryptor", Metric.ITEMS_MENDED, label="mended"),
                        own("reencryptor", Metric.ITEMS_CLEAN, label="nothing to do"),
                        left,
                        own("reencryptor", Metric.ITEMS_RETRIED, label="tried again"),
                    ],
                    right=[waits],
                ),
                graph(
                    "Audit trail",
                    [
                        total(self.functions, Metric.SEGMENTS_WRITTEN, label="segments written"),
                        total(self.functions, Metric.AUDIT_EVENTS_DROPPED, label="events dropped in an outage"),
                        own("notary", Metric.MANIFESTS_WRITTEN, label="manifests signed"),
                        own("notary", Metric.MANIFESTS_COMPLETE, label="of these, left nothing"),
                        own("notary", Metric.SEGMENTS_ATTESTED, label="segments attested"),
                        own("notary", Metric.TRAIL_VERIFICATION_FAILED, label="does not verify"),
                        *denied,
                    ],
                    right=[total(self.functions, Metric.AUDIT_EVENTS_WRITTEN, label="events in them (right)")],
                ),
            ],
        ]

    def _standing(self) -> list[cloudwatch.IMetric]:
        findings = self.data.findings
        return [
            self._gauge(Metric.EXPOSURES_KNOWN, "in clear or malformed by the last census or reconciliation"),
            self._gauge(Metric.CENSUS_AGE_SECONDS, "which began so many seconds ago"),
            *(
                queue.metric_approximate_number_of_messages_visible(statistic="Maximum", period=PERIOD, label=label)
                for queue, label in ((findings.queue, "findings that wait"), (findings.dead_letters, "given up"))
            ),
            self._gauge(Metric.QUARANTINE_HELD, "entries that wait in quarantine"),
        ]

    def _gauge(self, metric: Metric, label: str) -> cloudwatch.IMetric:
        """What the rotation function looks at every five minutes."""
        return self.metrics.own("rotation", metric, statistic="Maximum", label=label)

    def stuck(self) -> list[Row]:
        """Is anything stuck."""
        own, of_lambda = self.metrics.own, self.metrics.of_lambda
        limit = BEHIND_MINUTES * 60_000
        return [
            self._heading(
                "2 · Is anything stuck?",
                "What a dead letter names is forgotten in days.",
                "Behind",
                "Dead letters",
                "Records in quarantine",
            ),
            [
                graph(
                    "Iterator age, ms",
                    [
                        of_lambda(name, "IteratorAge", statistic="Maximum", label=name)
                        for name in ("encryptor", "auditor")
                    ],
                    limit=(limit, f"{BEHIND_MINUTES} minutes"),
                ),
                graph(
                    "Dead letters",
                    [
                        queue.metric_approximate_number_of_messages_visible(
                            statistic="Maximum", period=PERIOD, label=name
                        )
                        for name, queue in self.dead_letters.items()
                    ],
                ),
                graph(
                    "Into quarantine, by reason",
                    [own("encryptor", reason_metric(reason), label=reason) for reason in Reason],
                    right=[self._gauge(Metric.QUARANTINE_HELD, "waiting there (right)")],
                    stacked=True,
                ),
            ],
            [
                graph(
                    "Delivered again",
                    [
                        *(
                            own(name, Metric.RECORDS_RETRIED, label=name)
                            for name in ("encryptor", "redriver", *AUDITING[:2])
                        ),
                        own("landing-ingest", Metric.LANDING_RETRIED, label="landing-ingest, objects"),
                        own("sweeper", Metric.ITEMS_RETRIED, label="sweeper, items"),
                        own("reconciler", Metric.ITEMS_UNJUDGED, label="reconciler, items"),
                    ],
                ),
                graph(
                    "Failed as a whole, or killed",
                    [of_lambda(name, "Errors", label=name) for name in self.functions],
                    right=[
                        of_lambda(name, "Throttles", label=f"{name} throttled (right)")
                        for name in ("encryptor", "auditor")
                    ],
                ),
                graph(
                    "Oldest of a batch, s",
                    [own(name, Metric.OLDEST_RECORD_AGE_SECONDS, statistic="Maximum", label=name) for name in _READING],
                ),
            ],
        ]

    def keeping_up(self) -> list[Row]:
        """Is it keeping up."""
        own, total = self.metrics.own, self.metrics.total
        outcomes = {
            Metric.RECORDS_WRITTEN: "written",
            Metric.RECORDS_DUPLICATE: "known already",
            Metric.RECORDS_SUPERSEDED: "older than what is there",
            Metric.RECORDS_QUARANTINED: "quarantined",
            Metric.RECORDS_RETRIED: "delivered again",
        }
        return [
            self._heading(
                "3 · Is it keeping up?",
                "What arrives is written, and what is written is verified, each within seconds.",
                "Behind",
            ),
            [
                graph(
                    "Records by outcome",
                    [total(WRITING, metric, label=label) for metric, label in outcomes.items()],
                    stacked=True,
                ),
                graph(
                    "From the record's arrival in Kinesis to its verified item, s",
                    [
                        own("auditor", Metric.PUT_TO_VERIFIED_SECONDS, statistic=statistic, label=statistic)
                        for statistic in ("p50", "p99", "Maximum")
                    ],
                ),
                graph(
                    "Along the way",
                    [
                        self.data.stream.metric_incoming_records(
                            statistic="Sum", period=PERIOD, label="Kinesis records arrived"
                        ),
                        total(WRITING, Metric.RECORDS_RECEIVED, label="records received"),
                        total(AUDITING[:2], Metric.RECORDS_RECEIVED, label="changes seen"),
                        total(AUDITING, Metric.ITEMS_VERIFIED, label="verified"),
                        total(AUDITING[:2], Metric.ITEMS_REMOVED, label="removed"),
                    ],
                ),
            ],
            [
                graph(
                    "A batch, ms (p99)",
                    [own(name, Metric.BATCH_DURATION_MS, statistic="p99", label=name) for name in _TIMED],
                ),
                graph(
                    "Writes and reads that the items table throttles",
                    [
                        self.data.items.metric("WriteThrottleEvents", statistic="Sum", period=PERIOD, label="writes"),
                        self.data.items.metric("ReadThrottleEvents", statistic="Sum", period=PERIOD, label="reads"),
                    ],
                    right=[total(WRITING, Metric.ATTRIBUTES_SEALED, label="values sealed (right)")],
                ),
                graph(
                    "Files" + (" and requests" if self.has_api else ""), self._doors(), right=[self._landing_waits()]
                ),
            ],
        ]

    def _doors(self) -> list[cloudwatch.IMetric]:
        own, of_lambda = self.metrics.own, self.metrics.of_lambda
        return [
            own("landing-ingest", Metric.LANDING_LINES, label="lines"),
            own("landing-ingest", Metric.LANDING_REJECTED_LINES, label="lines that are no records"),
            own("landing-ingest", Metric.LANDING_OBJECTS, label="objects ended"),
            own("landing-ingest", Metric.LANDING_FAILED_OBJECTS, label="objects failed"),
            own("landing-ingest", Metric.LANDING_UNTAGGED_OBJECTS, label="objects without room for a tag"),
            *([of_lambda("tenant-api", "Invocations", label="requests of the tenant API")] if self.has_api else []),
        ]

    def _landing_waits(self) -> cloudwatch.IMetric:
        return self.data.landing.queue.metric_approximate_age_of_oldest_message(
            statistic="Maximum", period=PERIOD, label="oldest object waits, s (right)"
        )

    def keys(self) -> list[Row]:
        """Keys and rotation."""
        own, total = self.metrics.own, self.metrics.total
        calling = (*SEALING, "tenant-api") if self.has_api else SEALING
        making = (*SEALING, "ensure-keys") if self.has_api else SEALING
        ended = {
            Metric.KEYS_REWRAPPED: "wrapped anew",
            Metric.KEYS_RENEWED: "replaced",
            Metric.KEYS_RETIRED: "retired",
            Metric.KEYS_DESTROYED: "destroyed",
            Metric.KEYS_KEPT: "kept though to be ended",
            Metric.KEYS_FAILED: "failed",
            Metric.KEYS_CORRUPT: "corrupt",
        }
        return [
            self._heading(
                "4 · Keys and rotation",
                "A census counts under which key each value is sealed.",
                "Rotation",
                "KMS's quota",
            ),
            [
                graph(
                    "Progress of runs, % of segments",
                    [
                        calculated(
                            "100 * segmentsdone / segments",
                            {
                                name: own("rotation", metric, statistic="Maximum")
                                for name, metric in (
                                    ("segmentsdone", Metric.RUN_SEGMENTS_DONE),
                                    ("segments", Metric.RUN_SEGMENTS),
                                )
                            },
                            label="of the scan under way",
                        )
                    ],
                    right=[
                        own("rotation", Metric.RUNS_UNDER_WAY, statistic="Maximum", label="runs under way (right)"),
                        own("rotation", Metric.RUN_STEPS, statistic="Maximum", label="steps: flat is stuck (right)"),
                    ],
                    most=100,
                ),
                graph(
                    "Not under the active key, % of what the last census counted",
                    [
                        self._share(Metric.CENSUS_VALUES_STALE, "stale"),
                        self._share(Metric.CENSUS_VALUES_UNKNOWN, "of no known key"),
                    ],
                    most=100,
                ),
                graph(
                    "Sweep and scan",
                    [
                        *(own(name, Metric.ITEMS_SCANNED, label=f"scanned by the {name}") for name in _SCANNING),
                        own("sweeper", Metric.ITEMS_CLEAN, label="nothing to do"),
                        own("sweeper", Metric.VALUES_COUNTED, label="values counted by a census"),
                        own("sweeper", Metric.VALUES_STALE, label="of these stale"),
                        own("sweeper", Metric.VALUES_UNKNOWN, label="of these of no known key"),
                        own("sweeper", Metric.ITEMS_MENDED, label="mended"),
                        own("sweeper", Metric.ITEMS_LEFT, label="left as they are"),
                        total(MENDING, Metric.VALUES_REENCRYPTED, label="values sealed anew"),
                    ],
                ),
            ],
            [
                graph("KMS, % of the account's quota", [kms_used()], limit=(QUOTA_PERCENT, f"{QUOTA_PERCENT} %")),
                graph(
                    "Calls of KMS",
                    [total(calling, Metric.KMS_CALLS, label="of sealstream")],
                    right=[
                        total(
                            asking(self.metrics.settings), Metric.KMS_FAILURES, label="all that came to nothing (right)"
                        )
                    ],
                ),
                graph(
                    "Data keys at hand, % of what was asked for", [self._at_hand(name) for name in SEALING], most=100
                ),
            ],
            [
                graph(
                    "Data keys that are new",
                    [
                        total(making, Metric.KEYS_CREATED, label="first ones of a tenant and class"),
                        own("rotation", Metric.KEYS_RENEWED, label="by rotation"),
                    ],
                ),
                graph(
                    "Data keys of runs that ended",
                    [own("rotation", metric, label=label) for metric, label in ended.items()],
                ),
                graph(
                    "Since a rotation was done, s",
                    [self._gauge(Metric.ROTATION_AGE_SECONDS, "0 while one is under way")],
                    limit=(OVERDUE.to_seconds(), "overdue"),
                ),
            ],
        ]

    def _share(self, part: Metric, label: str) -> cloudwatch.IMetric:
        using = {
            f"part{part}": self._gauge(part, part),
            "counted": self._gauge(Metric.CENSUS_VALUES, Metric.CENSUS_VALUES),
        }
        return calculated(f"100 * part{part} / counted", using, label=label)

    def _at_hand(self, name: str) -> cloudwatch.IMetric:
        hits, misses = f"{name}hits", f"{name}misses"
        using = {
            hits: self.metrics.own(name, Metric.KEY_CACHE_HITS),
            misses: self.metrics.own(name, Metric.KEY_CACHE_MISSES),
        }
        return calculated(f"100 * {hits} / ({hits} + {misses})", using, label=name)
