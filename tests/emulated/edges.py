"""What stands in front of the API. The emulator has CloudFront's control plane and serves nothing through it: what an
edge does to a request is done by the proxy that leads issuers' names to their APIs, with what the distribution is set
to send."""

import json
import urllib.parse

from emulated import commands
from emulated.edge_sync import Store
from emulated.gateway import CANARIES, Answer, Api, equal, holds, wait_for
from wardgate_infra import Json
from wardgate_infra.emulator import issuers
from wardgate_infra.emulator.deployment import Deployment

SECRET, VIEWER = "x-wardgate-edge", "x-wardgate-viewer-address"
ADDRESS = "192.0.2.7"
REGION = "us-east-1"
GIVEN = {
    "Edge": "on",
    "EdgeCertificateArn": f"arn:aws:acm:{REGION}:000000000000:certificate/0a1b2c3d-0000-0000-0000-000000000000",
    "OriginDomain": "origin.auth.staging.example.com",
    "OriginCertificateArn": "arn:aws:acm:eu-central-1:000000000000:certificate/0a1b2c3d-0000-0000-0000-000000000000",
    # As all later checks have it.
    "LogLevel": "trace",
}


def identifier(emulator: Deployment) -> str:
    """The distribution's."""
    formation = emulator.emulator.client("cloudformation", REGION)
    stack = formation.describe_stacks(StackName=f"wardgate-{emulator.stage}-edge")["Stacks"][0]
    [found] = [it["OutputValue"] for it in stack["Outputs"] if it["OutputKey"] == "DistributionId"]
    return str(found)


def distribution(emulator: Deployment) -> Json:
    """What CloudFront is set to do for the stage."""
    client = emulator.emulator.client("cloudfront", REGION)
    return client.get_distribution(Id=identifier(emulator))["Distribution"]["DistributionConfig"]


def sent(emulator: Deployment) -> str:
    """The secret that it sends."""
    [header] = distribution(emulator)["Origins"]["Items"][0]["CustomHeaders"]["Items"]
    equal(header["HeaderName"], SECRET)
    CANARIES.add(header["HeaderValue"])
    return str(header["HeaderValue"])


def through(api: Api, method: str, path: str, secret: str, address: str = ADDRESS, body: Json = None) -> Answer:
    """As the edge would ask for somebody at this address."""
    return api.ask(method, path, body, x_wardgate_edge=secret, x_wardgate_viewer_address=address)


def asked(api: Api, secret: str | None) -> tuple[int, str | None]:
    answer = through(api, "GET", "/health", secret) if secret else api.ask("GET", "/health")
    return answer.status, answer.json.get("code")


def check_edge(api: Api, emulator: Deployment) -> None:
    """Functions refuse what comes around the edge (ED-01), believe whose address it says (ED-02), and learn of its next
    secret with everything working at each step (ED-03). Its secret is in no log: check_logs."""
    for verb in ("rotate-edge", "edge-probe"):
        line = f"make {verb} STAGE={emulator.stage}" + (" YES=1" if verb == "rotate-edge" else "")
        commands.record(verb, line, emulator.refused(verb, *(["--yes"] if verb == "rotate-edge" else [])))
    host = urllib.parse.urlsplit(emulator.parameters["Issuer"]).netloc
    issuers.EDGES[host] = lambda: {SECRET: sent(emulator), VIEWER: ADDRESS}
    try:
        printed = emulator.deploy(**GIVEN)
        holds("==> 3 of " in printed and "edge stack" in printed, printed[-4000:])
        first = sent(emulator)
        equal(asked(api, None), (403, "edge_only"))
        equal(asked(api, "another"), (403, "edge_only"))
        equal(asked(api, first), (200, None))

        printed = emulator.operate("rotate-edge", "--yes", "--parameters", emulator.given(**GIVEN))
        second = sent(emulator)
        holds(first != second and second not in printed and first not in printed, "a secret is printed, or the same")
        equal(asked(api, second), (200, None))
        equal(asked(api, first), (403, "edge_only"))
        viewer_is_believed(api, second)
        retired_key_is_forgotten(emulator)
    finally:
        issuers.EDGES.pop(host, None)
        emulator.deploy(LogLevel="trace")
        equal(asked(api, None), (200, None))
        # The edge itself stays: its store is where this stage's ended sessions go.
        emulator.client("cloudformation").delete_stack(StackName=f"wardgate-{emulator.stage}-origin")


def retired_key_is_forgotten(emulator: Deployment) -> None:
    """ED-15: the list refuses a retired key, and every location is told to ask for the key set anew."""
    event = {"FunctionName": f"wardgate-{emulator.stage}-rotate-keys", "Payload": json.dumps({"list": "signing"})}
    keys = json.load(emulator.client("lambda").invoke(**event, Qualifier="live")["Payload"])["keys"]
    kid = max(keys, key=lambda it: int(it["sign_from"]))["kid"]
    printed = emulator.operate("rotate", "--ring", "signing", "--retire", kid, "--yes")
    holds("ask for the key set anew" in printed, printed)
    client = emulator.emulator.client("cloudfront", REGION)
    [asked] = client.list_invalidations(DistributionId=identifier(emulator))["InvalidationList"]["Items"]
    batch = client.get_invalidation(DistributionId=identifier(emulator), Id=asked["Id"])["Invalidation"]
    equal(batch["InvalidationBatch"]["Paths"]["Items"], ["/.well-known/*"])
    store = Store(emulator)
    wait_for(lambda: kid in (store.value("all") or ""), "the retired key at the edge")


def viewer_is_believed(api: Api, secret: str) -> None:
    """Each address has attempts of its own at an account: ten from one, and the next has to wait."""
    body = {"email": "nobody-behind-the-edge@example.com", "password": "wrong, and long enough"}

    def attempt(address: str) -> int:
        return through(api, "POST", "/v1/login", secret, address, body).status

    found = [attempt("192.0.2.8") for _ in range(12)]
    equal((found[0], found[-1]), (401, 429))
    equal(attempt("192.0.2.9"), 401)
