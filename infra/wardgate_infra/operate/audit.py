"""The audit trail's lines about a stage (PL-03): who did what to it, and when. The functions' own lines about it have
the same partition: shared/src/store/audit.rs."""

import datetime
import secrets

from wardgate_infra import Json
from wardgate_infra.operate.stage import Stage

CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
# As store.audit_retention_days of config/default.toml.
RETENTION = datetime.timedelta(days=400)


def record(stage: Stage, action: str, detail: str) -> None:
    """Adds a line; `detail` is for people. Lines are only ever added."""
    stage.client("dynamodb").put_item(**line(stage, action, detail))


def line(stage: Stage, action: str, detail: str) -> Json:
    """A line as PutItem and a transaction's Put take it."""
    now = datetime.datetime.now(datetime.UTC)
    who = stage.client("sts").get_caller_identity()["Arn"]
    return {
        "TableName": f"{stage.parameters['AuditTableName']}-{stage.name}",
        "Item": {
            "pk": {"S": f"STAGE#{now:%Y-%m}"},
            "sk": {"S": identifier(now)},
            "action": {"S": action},
            "at": {"N": str(milliseconds(now))},
            "request_id": {"S": who},
            "detail": {"S": detail},
            "ttl": {"N": str(int((now + RETENTION).timestamp()))},
        },
        "ConditionExpression": "attribute_not_exists(pk)",
    }


def milliseconds(time: datetime.datetime) -> int:
    return int(time.timestamp() * 1000)


def identifier(now: datetime.datetime) -> str:
    """An id as the functions make them: a ULID, so that lines sort by time."""
    number = milliseconds(now) << 80 | secrets.randbits(80)
    return "aud_" + "".join(CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))
