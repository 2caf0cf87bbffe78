"""The edge's deny list: sessions that end through the API are in CloudFront's store, and edge/deny.js refuses them."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
import urllib.parse
from pathlib import Path

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from emulated.delivery import Queue, logged
from emulated.gateway import Api, claims, equal, holds, wait_for
from wardgate_infra import Json
from wardgate_infra.emulator.deployment import Deployment
from wardgate_infra.emulator.emulator import CREDENTIALS
from wardgate_infra.emulator.lower import REGION

EMAIL = "edge@example.com"
# All come from one address, as all else here does: no more than a part of what it may in a minute.
SIGN_OUTS = 25
# Of the emulator, which waits for no window: EdgeSyncSeconds comes to it.
LONGEST = 5


class Store:
    """CloudFront's store, by its own interface. boto3 would sign for every region, which needs a library in C."""

    def __init__(self, emulator: Deployment) -> None:
        self.endpoint = emulator.endpoint
        self.url = f"{emulator.endpoint}/key-value-stores/{urllib.parse.quote(emulator.edge_store, safe='')}"

    def ask(self, method: str, path: str, body: Json = None, etag: str | None = None) -> tuple[int, Json, str]:
        text = None if body is None else json.dumps(body).encode()
        request = AWSRequest(
            method,
            self.url + path,
            data=text,
            headers={"If-Match": etag} if etag else {},
        )
        credentials = Credentials(CREDENTIALS["AWS_ACCESS_KEY_ID"], CREDENTIALS["AWS_SECRET_ACCESS_KEY"])
        SigV4Auth(credentials, "cloudfront-keyvaluestore", REGION).add_auth(request)
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.url).netloc, timeout=10)
        with contextlib.closing(connection):
            connection.request(
                method,
                request.url.removeprefix(self.endpoint),
                text,
                dict(request.headers.items()),
            )
            answer = connection.getresponse()
            found = json.loads(answer.read() or b"{}")
            return answer.status, found, answer.headers["etag"] or ""

    def value(self, key: str) -> str | None:
        status, answer, _ = self.ask("GET", f"/keys/{key}")
        return answer["Value"] if status == 200 else None

    def entries(self) -> dict[str, str]:
        """All of them; the emulator's pages begin where the last one ended."""
        found: dict[str, str] = {}
        token = ""
        while True:
            more = f"&NextToken={urllib.parse.quote(token, safe='')}" if token else ""
            status, answer, _ = self.ask("GET", f"/keys?MaxResults=50{more}")
            equal(status, 200)
            found |= {it["Key"]: it["Value"] for it in answer["Items"]}
            token = answer.get("NextToken") or ""
            if not token:
                return found

    def touch(self) -> None:
        """Somebody else changes it: whoever read its state before meets a conflict."""
        etag = self.ask("GET", "")[2]
        self.ask(
            "POST",
            "/keys",
            {"Puts": [{"Key": "touched", "Value": str(time.monotonic_ns())}]},
            etag,
        )


def refused(emulator: Deployment, tokens: list[str], entries: dict[str, str]) -> list[bool]:
    """What edge/deny.js says of each token in njs, with these entries in its store."""
    edge = emulator.root / "edge"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tried = {"tokens": tokens, "entries": entries}
        (folder / "tried.json").write_text(json.dumps(tried), encoding="utf-8")
        source = (edge / "deny.js").read_text(encoding="utf-8")
        (folder / "main.js").write_text(source + NJS, encoding="utf-8")
        # njs looks for a module by its very name.
        shutil.copyfile(edge / "test/key-value-store.js", folder / "cloudfront")
        ran = subprocess.run(
            ["njs", "-p", name, "main.js"],
            cwd=name,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        holds(ran.returncode == 0, ran.stdout, ran.stderr)
        said: list[bool] = json.loads((folder / "said.json").read_text(encoding="utf-8"))
        return said


NJS = """
import fs from 'fs';

async function main() {
  const tried = JSON.parse(fs.readFileSync('tried.json'));
  cf.put(tried.entries);
  const said = [];
  for (let i = 0; i < tried.tokens.length; i += 1) {
    const request = { method: 'GET', uri: '/', headers: { authorization: { value: 'Bearer ' + tried.tokens[i] } } };
    const answer = await handler({ request: request });
    said.push(answer.statusCode === 401);
  }
  fs.writeFileSync('said.json', JSON.stringify(said));
}

main();
"""


def kill(function: str) -> None:
    """Ends a function's processes, whatever they are at."""
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            variables = (folder / "environ").read_bytes().split(b"\0")
            if f"AWS_LAMBDA_FUNCTION_NAME={function}".encode() in variables:
                os.kill(int(folder.name), signal.SIGKILL)


def check_sign_outs_reach_the_edge(api: Api, emulator: Deployment) -> None:
    """ED-10: fifty people sign out one after the other; how long each takes to be in the list, and that deny.js refuses
    just these."""
    store, took = Store(emulator), []
    api.registered(EMAIL)
    tokens = [api.login(EMAIL)["access_token"] for _ in range(2)]
    stays = tokens.pop()
    equal(refused(emulator, [*tokens, stays], store.entries()), [False, False])
    ended = []
    for number in range(SIGN_OUTS):
        token = tokens.pop() if tokens else api.login(EMAIL)["access_token"]
        sid = claims(token)["sid"]
        api.ask("POST", "/v1/logout", bearer=token).is_ok(204)
        began = time.monotonic()
        wait_for(lambda sid=sid: store.value(sid), f"sign-out {number} at the edge")  # type: ignore[misc]
        took.append(time.monotonic() - began)
        ended.append(token)
    median, worst = statistics.median(took), max(took)
    print(
        f"    sign-out to the edge's list: median {median:.2f} s, worst {worst:.2f} s of {SIGN_OUTS}",
        flush=True,
    )
    holds(worst <= LONGEST, f"{worst:.1f} s")
    equal(
        refused(emulator, [*ended, stays], store.entries()),
        [True] * SIGN_OUTS + [False],
    )


def check_edge_conflicts_and_kills(api: Api, emulator: Deployment) -> None:
    """ED-11: whoever else writes the list, and whenever the function's process ends, no session is lost."""
    store = Store(emulator)
    name = f"wardgate-{emulator.stage}-edge-sync"
    pairs = [api.login(EMAIL) for _ in range(6)]
    queue = Queue(emulator, name)
    queue.set_visibility(2)
    try:
        for number, pair in enumerate(pairs):
            api.ask("POST", "/v1/logout", bearer=pair["access_token"]).is_ok(204)
            store.touch()
            if number % 2:
                kill(name)
        for pair in pairs:
            sid = claims(pair["access_token"])["sid"]
            wait_for(lambda sid=sid: store.value(sid), f"{sid} at the edge", 30)  # type: ignore[misc]
    finally:
        queue.set_visibility(90)
    # Everybody's: a retired key is refused by the list without a deploy (ED-15).
    now = int(time.time())
    order = {"put": {"key": "all", "value": "0 a-key", "until": now + 3665, "at": now}}
    queue.sqs.send_message(QueueUrl=queue.url, MessageBody=json.dumps(order))
    wait_for(lambda: store.value("all") == "0 a-key", "the retired key at the edge")
    # And what is no order is set aside, without anybody's waiting for it: here once it was tried so often.
    queue.sqs.send_message(QueueUrl=queue.url, MessageBody='{"not": "an order"}')
    wait_for(
        lambda: "no order for the edge" in "\n".join(logged(emulator, "edge-sync")),
        "a line about it",
    )
    queue.sqs.purge_queue(QueueUrl=queue.url)


def check_edge_forgets(api: Api, emulator: Deployment) -> None:
    """ED-12: what is past is taken out, by its message or by the sweep, which is invoked as the schedule would."""
    store = Store(emulator)
    pair = api.login(EMAIL)
    sid = claims(pair["access_token"])["sid"]
    now = int(time.time())
    drops = Queue(emulator, f"wardgate-{emulator.stage}-edge-drop")
    etag = store.ask("GET", "")[2]
    old = "ses_01kjm4t3c0000000000000000a"
    equal(
        store.ask("POST", "/keys", {"Puts": [{"Key": old, "Value": str(now - 1)}]}, etag)[0],
        200,
    )
    order = {"key": sid, "value": str(now - 1), "until": now - 1, "at": now - 366}
    etag = store.ask("GET", "")[2]
    equal(
        store.ask("POST", "/keys", {"Puts": [{"Key": sid, "Value": str(now - 1)}]}, etag)[0],
        200,
    )
    drops.sqs.send_message(QueueUrl=drops.url, MessageBody=json.dumps({"drop": order}))
    wait_for(lambda: store.value(sid) is None, "the end of an entry")
    holds(store.value(old), "nobody has sent its message")
    alias = f"wardgate-{emulator.stage}-edge-sync:live"
    answer = emulator.client("lambda").invoke(FunctionName=alias, Payload=json.dumps({"sweep": True}))
    equal(
        (answer.get("FunctionError"), json.load(answer["Payload"])),
        (None, {"batchItemFailures": []}),
    )
    equal(store.value(old), None)
