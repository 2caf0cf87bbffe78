"""From what a function writes to what an operator hears."""

import json

from emulated import commands
from emulated.delivery import Queue, logged
from emulated.gateway import Api, equal, holds, wait_for
from wardgate_infra import Json
from wardgate_infra.emulator.deployment import Deployment

TAMPERING = "wardgate_audit_tampering_total"


def metrics(emulator: Deployment, function: str, name: str) -> list[Json]:
    """What CloudWatch would take of a function's lines: a datum for each set of dimensions of each line. The emulator
    leaves the embedded format in the log."""
    data = []
    for line in filter(lambda line: line.startswith("{") and name in line, logged(emulator, function)):
        written = json.loads(line)
        for directive in written.get("_aws", {}).get("CloudWatchMetrics", []):
            equal(directive["Namespace"], "Wardgate")
            if name not in [metric["Name"] for metric in directive["Metrics"]]:
                continue
            for dimensions in directive["Dimensions"]:
                pairs = [{"Name": it, "Value": written[it]} for it in dimensions]
                data.append({"MetricName": name, "Dimensions": pairs, "Value": written[name]})
    return data


def listen(emulator: Deployment, severity: str, listener: str = "listener") -> Queue:
    """A queue that hears what a topic says from now on."""
    sqs, sns = emulator.client("sqs"), emulator.client("sns")
    name = f"wardgate-{emulator.stage}-{severity}"
    [topic] = [it["TopicArn"] for it in sns.list_topics()["Topics"] if it["TopicArn"].endswith(f":{name}")]
    url = sqs.create_queue(QueueName=f"{name}-{listener}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return Queue(emulator, f"{name}-{listener}")


def made(emulator: Deployment, logical_id: str) -> str:
    """The name of what the stack of alarms has made."""
    stack = f"wardgate-{emulator.stage}-observability"
    pages = emulator.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    found = {
        it["LogicalResourceId"]: it["PhysicalResourceId"] for page in pages for it in page["StackResourceSummaries"]
    }
    return str(found[logical_id]).rpartition("/")[2]


def check_schedule_calls_the_smoke_test(_api: Api, emulator: Deployment) -> None:
    """The schedule's target is what is live, it may be called by this rule, and takes what the schedule says."""
    events, functions = emulator.client("events"), emulator.client("lambda")
    rule = events.describe_rule(Name=made(emulator, "SmokeSchedule"))
    equal(rule["ScheduleExpression"], "rate(5 minutes)")
    [target] = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    name = f"wardgate-{emulator.stage}-smoke"
    equal(target["Arn"].partition(":function:")[2], f"{name}:live")
    policy = json.loads(functions.get_policy(FunctionName=name, Qualifier="live")["Policy"])
    may = [it for it in policy["Statement"] if rule["Arn"] in json.dumps(it)]
    holds(len(may) == 1 and "events.amazonaws.com" in json.dumps(may), policy)
    answer = functions.invoke(FunctionName=name, Qualifier="live", Payload=target["Input"].encode())
    said = json.loads(answer["Payload"].read())
    holds("FunctionError" not in answer and said["passed"], said)


def check_who_reads_a_ring_is_told(_api: Api, emulator: Deployment) -> None:
    """The rule takes what a person, a pipeline and the root read, and leaves out a function, and what is no ring."""
    events = emulator.client("events")
    rule = events.describe_rule(Name=made(emulator, "SecretReads"))
    [target] = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    equal(target["Arn"].rpartition(":")[2], f"wardgate-{emulator.stage}-secret-reads")
    name = f"wardgate-{emulator.stage}-me"
    own = emulator.client("lambda").get_function_configuration(FunctionName=name)["Role"]
    account, ring = own.split(":")[4], f"wardgate/{emulator.stage}/signing"
    person = f"arn:aws:iam::{account}:role/administrator"
    pipeline = f"arn:aws:iam::{account}:role/wardgate-pipeline/wardgate-{emulator.stage}-deploy"
    for role, secret, expected in (
        (own, ring, False),
        (person, ring, True),
        (pipeline, f"arn:aws:secretsmanager:{target['Arn'].split(':')[3]}:{account}:secret:{ring}-AbCdEf", True),
        (None, ring, True),
        (person, "another/secret", False),
    ):
        session = {"sessionContext": {"sessionIssuer": {"arn": role}}} if role else {"type": "Root"}
        detail = {"eventName": "GetSecretValue", "requestParameters": {"secretId": secret}, "userIdentity": session}
        event = {"id": "1", "account": account, "region": "eu-central-1", "time": "2026-01-31T12:00:00Z"}
        event |= {"source": "aws.secretsmanager", "detail-type": "AWS API Call via CloudTrail", "resources": []}
        told = events.test_event_pattern(
            EventPattern=rule["EventPattern"], Event=json.dumps(event | {"detail": detail})
        )
        equal((role, secret, told["Result"]), (role, secret, expected))


def check_notices(_api: Api, emulator: Deployment) -> None:
    """Who watches the stage is told that a verb begins, and how it ended; of one that only looks, nothing."""
    queue, heard = listen(emulator, "warn", "notices"), list[Json]()
    for line in ("make migrate STAGE=staging DRY_RUN=1", "make migrate STAGE=staging"):
        ran = commands.typed(emulator, line)
        holds(ran.returncode == 0, line, ran.stdout, ran.stderr)

    def both() -> bool:
        heard.extend(json.loads(it["Body"]) for it in queue.take())
        return len(heard) > 1

    wait_for(both, "two messages of the topic")
    begins, ends = sorted(heard, key=lambda it: "begins" not in it["Subject"])
    equal(begins["Subject"], "Wardgate staging: migrate begins")
    holds("migrate is done, after " in ends["Subject"], ends)
    holds("make migrate STAGE=staging\nbegins\nby arn:aws:" in begins["Message"], begins)


def check_tampering_is_heard(_api: Api, emulator: Deployment) -> None:
    """Somebody changes a line of the audit trail: stream, function, metric, alarm, topic (PL-03)."""
    dynamodb, cloudwatch = emulator.client("dynamodb"), emulator.client("cloudwatch")
    table, alarm = f"wardgate-audit-{emulator.stage}", f"wardgate-{emulator.stage}-audit-tampering-page"
    queue = listen(emulator, "page")
    equal(metrics(emulator, "audit-watch", TAMPERING), [])
    line = next(it for it in dynamodb.scan(TableName=table)["Items"] if it["pk"]["S"].startswith("USER#"))
    dynamodb.put_item(TableName=table, Item=line | {"action": {"S": "session_ended"}})
    data = wait_for(lambda: metrics(emulator, "audit-watch", TAMPERING), "a count of the audit watch")
    equal([[pair["Name"] for pair in it["Dimensions"]] for it in data], [["stage"]])
    cloudwatch.put_metric_data(Namespace="Wardgate", MetricData=data)

    def state() -> bool:
        return bool(cloudwatch.describe_alarms(AlarmNames=[alarm])["MetricAlarms"][0]["StateValue"] == "ALARM")

    wait_for(state, "the alarm")

    def said() -> Json:
        # Another alarm may ring at the same time.
        taken = [json.loads(json.loads(it["Body"])["Message"]) for it in queue.take()]
        return next((it for it in taken if it["AlarmName"] == alarm), None)

    told = wait_for(said, "a message of the topic")
    equal(told["NewStateValue"], "ALARM")
    holds(told["AlarmDescription"].endswith("runbook.md#audit-tampering"), told["AlarmDescription"])
    holds(line["pk"]["S"] not in json.dumps(told), "the message tells about whom the line was")


def check_every_alarm_is_there(_api: Api, emulator: Deployment) -> None:
    """Each alarm of the template but the composites, which the emulator does not know, and one that speaks when it is
    set off."""
    cloudwatch = emulator.client("cloudwatch")
    prefix = f"wardgate-{emulator.stage}-"
    pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=prefix)
    alarms = {it["AlarmName"]: it for page in pages for it in page["MetricAlarms"]}
    text = (emulator.root / "infra/observability.yaml").read_text(encoding="utf-8")
    names = {line.split("${Stage}-")[1] for line in text.splitlines() if line.startswith("      AlarmName: ")}
    names -= {"any-page", "any-warn", "slo-fast-page", "slo-slow-warn"}
    equal(sorted(name for name in names if prefix + name not in alarms), [])
    queue = listen(emulator, "warn")
    name = f"{prefix}error-rate-warn"
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a check")
    [message] = wait_for(queue.take, "a message of the topic")
    equal(json.loads(json.loads(message["Body"])["Message"])["AlarmName"], name)
