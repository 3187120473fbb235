"""The landing ingest's edges, on moto and with clients that fail."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

import boto3
import moto
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from shared.aws.clients import config
from shared.aws.landing_objects import ATTEMPTS, S3LandingObjects
from shared.aws.landing_progress import DynamoLandingProgress, progress_row, read_progress
from shared.aws.landing_queue import SqsLandingQueue
from shared.aws.landing_stream import ATTEMPTS_IN_VAIN, KinesisLandingStream
from shared.errors import RunsCorrupt, StoreUnavailable
from shared.landing import Notice, ObjectVersion, Progress, State, notices_of
from tests.fakes.landing import BUCKET, SEQUENCER, about
from tests.fakes.moto_aws import REGION

CONTENT = bytes(range(256)) * 4


def refusal(code: str, operation: str = "Operation") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "5500005555555559"}}, operation)


@pytest.fixture
def s3():
    with moto.mock_aws():
        client = boto3.client("s3", region_name=REGION, config=config("s3"))
        where: Any = {"LocationConstraint": REGION}
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=where)
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield client


@pytest.fixture
def landed(s3) -> ObjectVersion:
    put = s3.put_object(Bucket=BUCKET, Key="tenant=acme/a.json", Body=CONTENT, Tagging="team=blue&x=1")
    s3.put_object(Bucket=BUCKET, Key="tenant=acme/a.json", Body=b"newer")
    return about(version=put["VersionId"])


def tags(s3, about: ObjectVersion) -> dict[str, str]:
    answer = s3.get_object_tagging(Bucket=about.bucket, Key=about.key, VersionId=about.version)
    return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}


def test_an_object_is_found_and_read_in_its_version_by_parts(s3, landed):
    objects = S3LandingObjects(s3)

    found = objects.find(landed)

    assert found is not None
    size, modified = found

    assert len(CONTENT) == size
    assert modified > 1_700_000_000
    assert CONTENT[100:110] == objects.read(landed, 100, 10)
    assert CONTENT[-4:] == objects.read(landed, len(CONTENT) - 4, 100)


def test_the_current_version_is_that_of_the_key(s3, landed):
    current = S3LandingObjects(s3).current_version(BUCKET, landed.key)

    assert current not in {None, "", landed.version}
    assert None is S3LandingObjects(s3).current_version(BUCKET, "another")


def test_every_version_is_listed_and_no_deletion(s3, landed):
    s3.delete_object(Bucket=BUCKET, Key=landed.key)
    s3.put_object(Bucket=BUCKET, Key="other.json", Body=b"")

    listed = list(S3LandingObjects(s3).versions(BUCKET, "tenant="))

    assert {landed.key} == {about.key for about, _ in listed}
    assert 2 == len({about.version for about, _ in listed})
    assert landed in {about for about, _ in listed}
    with pytest.raises(StoreUnavailable, match="listing"):
        list(S3LandingObjects(s3).versions("no-such-bucket", ""))


def test_what_is_gone_is_not_there(s3, landed):
    s3.delete_object(Bucket=BUCKET, Key=landed.key, VersionId=landed.version)
    objects = S3LandingObjects(s3)

    assert objects.find(landed) is None
    with pytest.raises(StoreUnavailable):
        objects.read(landed, 0, 1)


def test_tags_say_what_came_of_it_and_leave_the_others(s3, landed):
    ended = Progress(landed, SEQUENCER, 1, state=State.REJECTED, put=7, rejected=2)

    assert S3LandingObjects(s3).tag(ended)
    assert S3LandingObjects(s3).tag(replace(ended, state=State.DONE, put=9, rejected=0))

    assert {
        "team": "blue",
        "x": "1",
        "sealstream-ingest": "done",
        "sealstream-lines": "9",
        "sealstream-rejected": "0",
    } == tags(s3, landed)


@pytest.mark.parametrize(("others", "ours"), [(8, {"sealstream-ingest", "sealstream-lines"}), (10, set())])
def test_where_others_leave_no_room_the_outcome_comes_first(s3, landed, others, ours):
    given: Any = [{"Key": f"k{number}", "Value": "v"} for number in range(others)]
    s3.put_object_tagging(Bucket=BUCKET, Key=landed.key, VersionId=landed.version, Tagging={"TagSet": given})

    assert bool(ours) == S3LandingObjects(s3).tag(Progress(landed, SEQUENCER, 1, state=State.DONE))

    assert {one["Key"] for one in given} | ours == tags(s3, landed).keys()


class Tagged:
    """Tags that somebody else writes, too: so often, what he had read before is put over ours."""

    def __init__(self, loses: int) -> None:
        self.loses, self.tags = loses, [{"Key": "team", "Value": "blue"}]

    def get_object_tagging(self, **_: Any) -> Any:
        return {"TagSet": self.tags}

    def put_object_tagging(self, *, Tagging: Any, **_: Any) -> None:  # noqa: N803 - boto3's
        self.loses -= 1
        if self.loses < 0:
            self.tags = Tagging["TagSet"][::-1]


tagged: Any = Tagged


def test_tags_that_another_overwrites_are_put_again_and_not_for_ever():
    contended, lost = tagged(2), tagged(10**6)
    ended = Progress(about(), SEQUENCER, 1, state=State.DONE)

    assert S3LandingObjects(contended).tag(ended)
    assert {"Key": "sealstream-ingest", "Value": "done"} in contended.tags
    with pytest.raises(StoreUnavailable, match="somebody else"):
        S3LandingObjects(lost).tag(ended)


class Failing:
    """A client whose every call fails so often, then answers."""

    def __init__(self, error: Exception, times: int = 10**6, answer: Any = None) -> None:
        self.error, self.times, self.answer, self.calls = error, times, answer, 0

    def __getattr__(self, _: str) -> Any:
        def call(**_: Any) -> Any:
            self.calls += 1
            if self.calls <= self.times:
                raise self.error
            return self.answer

        return call


failing: Any = Failing


class Body:
    """Breaks off so often."""

    breaks = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def read(self) -> bytes:
        Body.breaks -= 1
        if Body.breaks >= 0:
            raise ReadTimeoutError(endpoint_url="https://s3")
        return b"part"


class Breaking:
    def get_object(self, **_: Any) -> Any:
        return {"Body": Body()}


breaking: Any = Breaking


def test_a_part_that_breaks_off_is_read_again():
    Body.breaks = ATTEMPTS - 1
    assert b"part" == S3LandingObjects(breaking()).read(about(), 0, 4)
    Body.breaks = ATTEMPTS
    with pytest.raises(StoreUnavailable, match="reading an object: ReadTimeoutError"):
        S3LandingObjects(breaking()).read(about(), 0, 4)


def test_tagging_what_is_gone_does_nothing():
    assert S3LandingObjects(failing(refusal("NoSuchVersion"))).tag(Progress(about(), SEQUENCER, 1))


@pytest.mark.parametrize(
    "call",
    [
        lambda objects: objects.find(about()),
        lambda objects: objects.current_version(BUCKET, "k"),
        lambda objects: objects.read(about(), 0, 1),
        lambda objects: objects.tag(Progress(about(), SEQUENCER, 1)),
    ],
)
def test_what_s3_refuses_is_tried_again_later_and_quotes_nothing(call):
    with pytest.raises(StoreUnavailable, match="AccessDenied") as raised:
        call(S3LandingObjects(failing(refusal("AccessDenied"))))
    assert "5500005555555559" not in str(raised.value)


@pytest.fixture
def progress():
    with moto.mock_aws():
        client = boto3.client("dynamodb", region_name=REGION, config=config("dynamodb"))
        client.create_table(
            TableName="progress",
            KeySchema=[{"AttributeName": "object", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "object", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield DynamoLandingProgress(client, "progress")


NOTICE = Notice(about(), SEQUENCER)


def test_progress_of_many_is_read_at_once(progress):
    begun = progress.begin(NOTICE, at=5.0)
    many = [about(version=f"v{number}") for number in range(150)]

    assert {begun.object.name: begun} == progress.load_many(many)


def test_progress_begins_once_and_keeps_its_first_sequencer(progress):
    assert progress.load(NOTICE.object) is None

    begun = progress.begin(NOTICE, at=5.0)

    assert Progress(NOTICE.object, SEQUENCER, 1, began_at=5.0, updated_at=5.0) == begun
    assert begun == progress.begin(replace(NOTICE, sequencer="FF"), at=9.0)
    assert begun == progress.load(NOTICE.object)


def test_progress_never_moves_back_and_what_has_ended_stays(progress):
    begun = progress.begin(NOTICE, at=5.0)
    further = replace(begun, offset=100, line=8, put=7)
    assert further == progress.save(further)

    assert further == progress.save(replace(begun, offset=50)), "somebody else came further"
    ended = progress.save(replace(further, state=State.DONE, updated_at=7.5))
    assert ended == progress.save(replace(further, offset=200))
    assert ended == progress.begin(NOTICE, at=9.0)


def test_a_run_from_the_start_begins_once_and_replaces_the_one_before(progress):
    begun = progress.begin(NOTICE, at=5.0)
    ended = progress.save(replace(begun, state=State.DONE, offset=100))

    anew = progress.begin(replace(NOTICE, run=2, sequencer="FF"), at=9.0)

    assert (2, 0, State.RUNNING, SEQUENCER) == (anew.run, anew.offset, anew.state, anew.sequencer)
    assert anew == progress.begin(replace(NOTICE, run=2), at=10.0)
    assert anew == progress.begin(NOTICE, at=10.0), "a late message of the run before"
    assert anew == progress.save(replace(ended, state=State.RUNNING, offset=500)), "who still works on it"


def test_a_row_is_read_as_it_was_written():
    whole = Progress(
        about("ä\n?versionId=x"), SEQUENCER, 3, State.FAILED, 1, 2, 3, 4, 5, 6, 7, 8.5, 9.25, "the gzip file is cut off"
    )

    row = progress_row(whole)

    assert whole == read_progress(row)
    assert row["expires_at"] == {"N": str(9 + 400 * 86_400)}


@pytest.mark.parametrize(
    "change",
    [
        {"object": {"S": "s3://other/k?versionId=v"}},
        {"state": {"S": "asleep"}},
        {"offset": {"N": "-1"}},
        {"of": {"S": "x"}},
        {"more": {"S": "x"}},
    ],
)
def test_a_row_of_another_form_is_none(change):
    with pytest.raises(RunsCorrupt):
        read_progress(progress_row(Progress(about(), SEQUENCER, 1)) | change)


def test_progress_that_does_not_answer_is_asked_again_later(progress):
    for call in (lambda store: store.load(about()), lambda store: store.save(Progress(about(), SEQUENCER, 1))):
        with pytest.raises(StoreUnavailable):
            call(DynamoLandingProgress(failing(refusal("ThrottlingException")), "progress"))


def test_races_that_are_lost_again_and_again_are_left(progress, monkeypatch):
    monkeypatch.setattr(progress, "load", lambda _: None)
    progress.begin(NOTICE, at=1.0)
    with pytest.raises(StoreUnavailable, match="lost 4 races"):
        progress.begin(NOTICE, at=1.0)


class FakeKinesis:
    """Refuses records whose data is in `refuses`, so often."""

    def __init__(self, refuses: dict[bytes, int]) -> None:
        self.refuses = refuses
        self.taken: list[bytes] = []

    def put_records(self, *, StreamName: str, Records: list[Any]) -> Any:  # noqa: N803 - boto3's
        answers = []
        for record in Records:
            left = self.refuses.get(record["Data"], 0)
            self.refuses[record["Data"]] = left - 1
            if left > 0:
                answers.append({"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "55"})
            else:
                self.taken.append(record["Data"])
                answers.append({"SequenceNumber": "1", "ShardId": "s"})
        return {"FailedRecordCount": 0, "Records": answers}


fake_kinesis: Any = FakeKinesis


def test_what_kinesis_does_not_take_is_put_again_alone():
    kinesis = fake_kinesis({b"1": 2, b"3": 1})
    pauses: list[float] = []
    stream = KinesisLandingStream(kinesis, "source", sleep=pauses.append)

    stream.put([("k", b"0"), ("k", b"1"), ("k", b"2"), ("k", b"3")], may_wait=lambda: True)

    assert [b"0", b"2", b"3", b"1"] == kinesis.taken
    assert 2 == len(pauses)


def test_where_most_is_refused_pauses_grow_though_some_of_it_passes():
    """One record of twelve each time, and then one of what is left."""

    def pauses(refuses: dict[bytes, int]) -> list[float]:
        slept: list[float] = []
        stream = KinesisLandingStream(fake_kinesis(refuses), "source", sleep=slept.append)
        stream.put([("k", b"%d" % number) for number in range(12)], may_wait=lambda: True)
        return slept

    mostly = pauses({b"%d" % number: number for number in range(12)})
    hardly = pauses({b"0": 1})

    assert 11 == len(mostly)
    assert max(mostly) > 2
    assert sum(hardly) <= 0.1


def test_what_is_never_taken_is_given_up():
    pauses: list[float] = []
    stream = KinesisLandingStream(fake_kinesis({b"0": 10**6}), "source", sleep=pauses.append)

    with pytest.raises(StoreUnavailable, match="1 are not taken: ProvisionedThroughputExceededException"):
        stream.put([("k", b"0")], may_wait=lambda: True)

    assert ATTEMPTS_IN_VAIN - 1 == len(pauses)
    assert 10 < sum(pauses) < 40


def test_nobody_waits_without_time():
    stream = KinesisLandingStream(fake_kinesis({b"0": 1}), "source", sleep=lambda _: pytest.fail("it waited"))

    with pytest.raises(StoreUnavailable):
        stream.put([("k", b"0")], may_wait=lambda: False)


def test_a_stream_that_does_not_answer_is_asked_again_later():
    with pytest.raises(StoreUnavailable, match="putting records"):
        KinesisLandingStream(failing(refusal("KMSAccessDeniedException")), "source").put([("k", b"")], may_wait=bool)


def test_a_queue_takes_messages_that_are_read_back():
    with moto.mock_aws():
        sqs = boto3.client("sqs", region_name=REGION, config=config("sqs"))
        url = sqs.create_queue(QueueName="landing")["QueueUrl"]

        SqsLandingQueue(sqs, url).send(NOTICE)

        (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert [NOTICE] == notices_of(message["Body"], BUCKET)
    with pytest.raises(StoreUnavailable, match="sending"):
        SqsLandingQueue(failing(refusal("KmsThrottled")), url).send(NOTICE)
