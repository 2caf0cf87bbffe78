"""What an operator's command tells the edge: that it refuses a key's tokens, or everybody's of before (docs/edge.md).

The order goes the way of an ended session's: into the queue of the function edge-sync, which never lowers what the list
says of everybody already. A stage without an edge has no such queue, and nothing is sent.
"""

import json
import time
from collections.abc import Iterable

from botocore.exceptions import BotoCoreError, ClientError

from wardgate_infra import Failed
from wardgate_infra.operate import switch_over
from wardgate_infra.operate.stage import Stage
from wardgate_infra.operate.terminal import say

# No access token lives longer (SE-01), and what clocks may differ: shared/src/domain/deny_list.rs.
LONGEST = 3600 + 65


def has_edge(stage: Stage) -> bool:
    """Whether what is deployed tells an edge of ended sessions."""
    return bool(switch_over.running(stage).get("EdgeStoreArn"))


def refuse_keys(stage: Stage, kids: Iterable[str]) -> None:
    """Has the edge refuse whatever these keys signed (ED-15)."""
    send(stage, " ".join(["0", *sorted(kids)]), "what these keys signed")


def refuse_before_now(stage: Stage) -> None:
    """Has the edge refuse every token that was issued until now."""
    send(stage, str(int(time.time())), "every token of before")


def send(stage: Stage, value: str, what: str) -> None:
    if not has_edge(stage):
        return
    now = int(time.time())
    order = {"key": "all", "value": value, "until": now + LONGEST, "at": now}
    sqs = stage.client("sqs")
    try:
        url = sqs.get_queue_url(QueueName=f"wardgate-{stage.name}-edge-sync")["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"put": order}))
    except (ClientError, BotoCoreError) as failure:
        raise Failed(
            f"The edge was not told to refuse {what}: {failure}\n"
            "It lets that through until it expires, within an hour; what verifies tokens behind it is not concerned. "
            f"To tell it again, put this message into the queue wardgate-{stage.name}-edge-sync: "
            f"{json.dumps({'put': order})}"
        ) from failure
    say(f"The edge was told to refuse {what}; it does within seconds.")
