"""What an operator's command tells the edge: that it refuses a key's tokens, or everybody's of before (docs/edge.md).

The order goes the way of an ended session's: into the queue of the function edge-sync, which never lowers what the list
says of everybody already. A stage without an edge has no such queue, and nothing is sent.
"""

import json
import time
import uuid
from collections.abc import Callable, Iterable

from botocore.exceptions import BotoCoreError, ClientError

from wardgate_infra import Failed
from wardgate_infra.operate import switch_over
from wardgate_infra.operate.needs import account
from wardgate_infra.operate.stage import Stage
from wardgate_infra.operate.terminal import say

# No access token lives longer (SE-01), and what clocks may differ: shared/src/domain/deny_list.rs.
LONGEST = 3600 + 65
# Where the key set is, and whatever else the edge keeps.
KEPT = "/.well-known/*"


def has_edge(stage: Stage) -> bool:
    """Whether what is deployed tells an edge of ended sessions."""
    return bool(switch_over.running(stage).get("EdgeStoreArn"))


def retired(stage: Stage, kids: Iterable[str]) -> None:
    """Tells the edge that these keys are out of use: its list, and what it keeps of the key set. Where one fails, the
    other is told all the same."""
    failures = []
    steps: list[Callable[[], None]] = [lambda: refuse_keys(stage, kids), lambda: forget_key_set(stage)]
    for tell in steps:
        try:
            tell()
        except Failed as failure:
            failures.append(str(failure))
    if failures:
        raise Failed("\n".join(failures))


def forget_key_set(stage: Stage) -> None:
    """Has every location of the edge ask for the key set anew (ED-15)."""
    if switch_over.running(stage).get("Edge", "off") == "off":
        return
    there = stage.in_region(account.EDGE_REGION)
    batch = {"Paths": {"Quantity": 1, "Items": [KEPT]}, "CallerReference": str(uuid.uuid4())}
    try:
        found = there.outputs(account.edge_stack(stage)).get("DistributionId")
        if found is None:
            return
        there.client("cloudfront").create_invalidation(DistributionId=found, InvalidationBatch=batch)
    except (ClientError, BotoCoreError) as failure:
        raise Failed(
            f"The edge was not told to ask for the key set anew: {failure}\n"
            "Its locations keep the one with these keys for five minutes, and for an hour while nothing behind them "
            f"answers. To tell it: aws cloudfront create-invalidation --paths '{KEPT}' --distribution-id, with the "
            f"output DistributionId of {account.edge_stack(stage)} in {account.EDGE_REGION}."
        ) from failure
    say("The edge was told to ask for the key set anew; every location does within minutes.")


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
