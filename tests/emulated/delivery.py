"""What leaves by itself: mails by the queue, events by the bus, and accounts whose time of grace is over."""

import json
import time

from emulated.gateway import ADDRESSES, CANARIES, PASSWORD, Api, claims, equal, holds, wait_for
from wardgate_infra import Json
from wardgate_infra.emulator.deployment import Deployment

LISTENER = "wardgate-listener"
# What nothing does yet: an operator will.
NEVER = {"account.disabled", "account.enabled"}


def check_erasure(api: Api, emulator: Deployment) -> None:
    """The schedule's own event, sent by hand: no test waits for it, nor for the time of grace, which is moved in the
    table to where it is over. That there is a schedule can be seen."""
    email = "erased@example.com"
    pair = api.signed_in(email)
    user = claims(pair["access_token"])["sub"]
    functions, table = emulator.client("lambda"), f"wardgate-{emulator.stage}"
    alias = functions.get_alias(FunctionName=f"{table}-eraser", Name="live")["AliasArn"]
    events = emulator.client("events")
    [rule] = events.list_rule_names_by_target(TargetArn=alias)["RuleNames"]
    # The emulator keeps schedules, so lower.py stops them.
    holds(events.describe_rule(Name=rule)["ScheduleExpression"].startswith("rate("), rule)
    erase = {"FunctionName": alias, "Payload": json.dumps({"id": "evt_1"})}
    api.ask("DELETE", "/v1/me", bearer=pair["access_token"]).is_ok(202)
    equal(json.load(functions.invoke(**erase)["Payload"]), {"erased": 0})

    dynamodb = emulator.client("dynamodb")
    of_table = {"TableName": table, "KeyConditionExpression": "pk = :pk"}
    turns = dynamodb.query(**of_table, ExpressionAttributeValues={":pk": {"S": "ERASURE"}})["Items"]
    [turn] = [item for item in turns if item["user_id"]["S"] == user]
    due = int(time.time() * 1000) - 1000
    dynamodb.delete_item(TableName=table, Key={"pk": turn["pk"], "sk": turn["sk"]})
    turn |= {"sk": {"S": f"{due:015}#{user}"}, "erase_at": {"N": str(due)}}
    dynamodb.put_item(TableName=table, Item=turn)
    dynamodb.update_item(
        TableName=table,
        Key={"pk": {"S": f"USER#{user}"}, "sk": {"S": "PROFILE"}},
        UpdateExpression="SET erase_at = :due",
        ExpressionAttributeValues={":due": {"N": str(due)}},
    )
    answer = functions.invoke(**erase)
    equal((answer.get("FunctionError"), json.load(answer["Payload"])), (None, {"erased": 1}))
    left = dynamodb.query(**of_table, ExpressionAttributeValues={":pk": {"S": f"USER#{user}"}})["Items"]
    equal(left, [])
    api.post("/v1/login", email=email, password=PASSWORD).refuses(401, "invalid_credentials")


def logged(emulator: Deployment, name: str) -> list[str]:
    """Every line in a function's log group."""
    logs = emulator.client("logs")
    group = f"/aws/lambda/wardgate-{emulator.stage}-{name}"
    lines = []
    for page in logs.get_paginator("describe_log_streams").paginate(logGroupName=group):
        for stream in page["logStreams"]:
            found = {"logGroupName": group, "logStreamName": stream["logStreamName"], "startFromHead": True}
            lines += [event["message"].strip() for event in logs.get_log_events(**found)["events"]]
    return lines


class Queue:
    """A queue of the stage, by the name that it has there."""

    def __init__(self, emulator: Deployment, name: str) -> None:
        self.sqs = emulator.client("sqs")
        self.url = self.sqs.get_queue_url(QueueName=name)["QueueUrl"]

    def set_visibility(self, seconds: int) -> None:
        """How long a message that was not done rests. The queue's own three minutes are too long for a test."""
        self.sqs.set_queue_attributes(QueueUrl=self.url, Attributes={"VisibilityTimeout": str(seconds)})

    def count(self) -> int:
        """How many messages wait or are being done."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)

    def purge(self) -> None:
        """Has it forget whatever waits or is being done."""
        self.sqs.purge_queue(QueueUrl=self.url)

    def take(self) -> list[Json]:
        """Some messages, which are gone then."""
        messages = self.sqs.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
        ).get("Messages", [])
        for message in messages:
            self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return list(messages)


def check_mail_outlasts_its_service(api: Api, emulator: Deployment) -> None:
    """A mail that SES refuses is tried again, and leaves once."""
    email = "patient@example.com"
    ses, queue = emulator.client("sesv2"), Queue(emulator, f"wardgate-{emulator.stage}-mail.fifo")
    identity = emulator.parameters["MailIdentity"]
    ses.delete_email_identity(EmailIdentity=identity)
    queue.set_visibility(1)
    try:
        api.register(email)
        refusals = "a mail waits for another try"
        wait_for(lambda: "\n".join(logged(emulator, "mailer")).count(refusals) > 1, "a second try")
        equal((queue.count(), api.mailbox.sent(email)), (1, []))
    finally:
        ses.create_email_identity(EmailIdentity=identity)
    api.mailbox.token(email, "verify-email")
    wait_for(lambda: queue.count() == 0, "the end of the order")
    queue.set_visibility(180)
    equal(len(api.mailbox.sent(email)), 1)


def check_wrong_order(_api: Api, emulator: Deployment) -> None:
    """What no mailer can do is set aside after the queue's own number of tries, and holds up nothing."""
    queue = Queue(emulator, f"wardgate-{emulator.stage}-mail.fifo")
    failed = Queue(emulator, f"wardgate-{emulator.stage}-mail-failed.fifo")
    queue.set_visibility(0)
    order = '{"not": "an order"}'
    queue.sqs.send_message(
        QueueUrl=queue.url, MessageBody=order, MessageGroupId="wrong", MessageDeduplicationId="wrong"
    )
    [message] = wait_for(failed.take, "a message that is set aside")
    queue.set_visibility(180)
    equal((message["Body"], queue.count()), (order, 0))


def check_listening(_api: Api, emulator: Deployment) -> None:
    """As a customer would: a rule on the bus, and a queue for everything that it matches."""
    sqs, events = emulator.client("sqs"), emulator.client("events")
    url = sqs.create_queue(QueueName=LISTENER)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    bus = f"wardgate-{emulator.stage}"
    pattern = json.dumps({"source": ["wardgate"]})
    rule = events.put_rule(Name=LISTENER, EventBusName=bus, EventPattern=pattern)["RuleArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    events.put_targets(Rule=LISTENER, EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])


def check_events(_api: Api, emulator: Deployment) -> None:
    """Everything that docs/events.md lists has reached the bus, with ids and times alone (PL-02)."""
    text = (emulator.root / "docs/events.md").read_text(encoding="utf-8")
    kinds = ("| `account.", "| `password.", "| `session.", "| `sessions.")
    listed = {line.split("`")[1] for line in text.splitlines() if line.startswith(kinds)}
    holds(len(listed) > len(NEVER), "docs/events.md lists nothing")
    queue, found = Queue(emulator, LISTENER), {}

    def all_came() -> bool:
        for message in queue.take():
            event = json.loads(message["Body"])
            equal(event["source"], "wardgate")
            holds(set(event["detail"]) <= {"version", "id", "time", "user_id", "session_id"}, event)
            for text in (ADDRESSES, *CANARIES):
                holds(text not in message["Body"], "an event tells too much")
            found[event["detail-type"]] = event
        return listed - NEVER <= found.keys()

    try:
        wait_for(all_came, "an event of each kind")
    finally:
        holds(listed - NEVER <= found.keys(), f"no event {sorted(listed - NEVER - found.keys())}")
    equal(found.keys() & NEVER, set())
