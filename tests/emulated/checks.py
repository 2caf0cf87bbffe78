"""What `make test-deploy` asks of the deployed stacks, from outside: through API Gateway, with nothing but HTTP, except
where a check says so."""

import json
import re
import subprocess
import urllib.parse

from emulated import commands, delivery
from emulated.deploys import FUNCTIONS
from emulated.gateway import ADDRESSES, CANARIES, Api, equal, holds, remembered
from wardgate_infra import without_route
from wardgate_infra.emulator import issuers
from wardgate_infra.emulator.deployment import Deployment
from wardgate_infra.emulator.tour import tour

# What no request of ours reaches, and so has no line about one; the authorizer is asked by the gateway.
WITHOUT_REQUESTS = without_route()

# What check_rotation brings about: an operator's command goes on with a rotation that was not finished, and begins
# anew.
EXPECTED = {"this version is not being made: the rotation is over, or another one took its place"}


def check_ready(api: Api, _emulator: Deployment) -> None:
    """With the keys of the first rotation."""
    equal(api.ask("GET", "/ready").status, 200)
    health = api.ask("GET", "/health").is_ok()
    equal({it["name"]: it["status"] for it in health.json["dependencies"]}, {"dynamodb": "healthy", "keys": "healthy"})


def check_keys_and_discovery(api: Api, emulator: Deployment) -> None:
    discovery = api.ask("GET", "/.well-known/openid-configuration")
    issuer = emulator.parameters["Issuer"]
    equal((discovery.status, discovery.json["issuer"]), (200, issuer))
    path = discovery.json["jwks_uri"].removeprefix(issuer)
    jwks = api.ask("GET", path)
    equal(jwks.status, 200)
    holds("max-age" in jwks.headers["cache-control"], jwks.headers["cache-control"])
    for key in jwks.json["keys"]:
        holds(not {"d", "p", "q", "k"} & key.keys(), "a private member is published")
    equal(api.ask("GET", "/.well-known/webauthn").json, {"origins": []})


def check_tour(api: Api, emulator: Deployment) -> None:
    """The lines of docs/start/tour.md, as a shell runs them. The account is there before: unlike the tour's own stage,
    this one has it verified."""
    early = api.signed_in("ada@example.com")
    api.ask("POST", "/v1/logout", bearer=early["access_token"])
    shell = ["bash", "-c", tour(emulator.url)]
    ran = subprocess.run(shell, env=emulator.environment, capture_output=True, text=True, timeout=60, check=False)
    lines = ran.stdout.splitlines()
    holds(len(lines) == 7, ran.stdout, ran.stderr)
    registered, signed_in, me, refreshed, sessions, left, gone = lines
    CANARIES.add(json.loads(registered)["flow_token"])
    pairs = [remembered(json.loads(line)) for line in (signed_in, refreshed)]
    equal(json.loads(me)["email"], "ada@example.com")
    equal(pairs[0]["session_id"], pairs[1]["session_id"])
    equal([it["id"] for it in json.loads(sessions)["items"]], [pairs[0]["session_id"]])
    equal((left, json.loads(gone)["status"]), ("204", 401))


def check_bodies(api: Api, _emulator: Deployment) -> None:
    """API Gateway and the function agree on text, and on what is no text."""
    name = "Ада 🦀 Lovelace"
    api.registered("bodies@example.com", name)
    equal(api.me(api.login("bodies@example.com")["access_token"]).json["name"], name)
    api.ask("POST", "/v1/login", {"email": "bodies@example.com"}).refuses(400, "invalid_request")
    equal(api.ask("POST", "/v1/login", bearer="x").status, 415)


def check_edge(api: Api, _emulator: Deployment) -> None:
    """What every answer has, and what leads nowhere."""
    answer = api.ask("GET", "/v1/me")
    answer.refuses(401, "authentication_required")
    equal((answer.headers["cache-control"], answer.headers["x-content-type-options"]), ("no-store", "nosniff"))
    nowhere = [("GET", "/v1/login"), ("GET", "/"), ("POST", "/v1/me/x"), ("GET", "/metrics"), ("GET", "/dev")]
    for method, path in nowhere:
        equal((method, path, api.ask(method, path).status), (method, path, 404))


def check_cors(api: Api, emulator: Deployment) -> None:
    [listed] = emulator.parameters["AllowedOrigins"].split(",")
    asks = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    status, allowed = emulator.preflight("/v1/login", asks | {"origin": listed})
    equal((status, allowed["access-control-allow-origin"]), (204, listed))
    # For cookie mode.
    equal(allowed["access-control-allow-credentials"], "true")
    for path, origin in (("/v1/login", f"{listed}.example.org"), ("/ui/sign-in", listed)):
        _, refused = emulator.preflight(path, asks | {"origin": origin})
        equal(refused.get("access-control-allow-origin"), None)
    for path, expected in (("/ready", [listed]), ("/.well-known/jwks.json", ["*"]), ("/ui/nothing", None)):
        found = api.ask("GET", path, origin=listed).headers.get_all("access-control-allow-origin")
        equal((path, found), (path, expected))


def check_as_a_client(_api: Api, emulator: Deployment) -> None:
    """`make verify` is green through the issuer's own name, and says so line by line; where the name leads nowhere, it
    is red, which the smoke test is not."""
    well = commands.typed(emulator, "make verify STAGE=staging")
    holds(well.returncode == 0, well.stdout, well.stderr)
    for line in (
        r"^asking https://auth\.staging\.example\.com as a client does$",
        r"^ok +TLS and its certificate +TLSv1\.[23], certificate until ",
        r"^ok +Routes +\d\d answer$",
        r"^ok +Sign-in by cookies +signed in, refreshed, known, signed out; __Host-",
    ):
        holds(re.search(line, well.stdout, re.MULTILINE), line, well.stdout)
    equal("FAILED" in well.stdout, False)
    host = urllib.parse.urlsplit(emulator.parameters["Issuer"]).netloc
    leads_to = issuers.APIS.pop(host)
    try:
        ill = commands.typed(emulator, "make verify STAGE=staging")
        works = commands.typed(emulator, "make smoke STAGE=staging")
    finally:
        issuers.APIS[host] = leads_to
    holds(ill.returncode != 0 and "1 check failed, as seen by clients" in ill.stderr, ill.stdout, ill.stderr)
    equal(works.returncode, 0)


def check_roles_count(api: Api, emulator: Deployment) -> None:
    """Functions run with the rights of their roles: one that is taken away is missed. This is what makes every other
    check here one of the roles too."""
    pair = api.signed_in("roles@example.com")
    iam = emulator.client("iam")
    names = [role["RoleName"] for page in iam.get_paginator("list_roles").paginate() for role in page["Roles"]]
    [role] = [name for name in names if name.startswith(f"wardgate-{emulator.stage}-accounts-MeRole-")]
    policy = iam.get_role_policy(RoleName=role, PolicyName="me")["PolicyDocument"]
    statements = [it for it in policy["Statement"] if it["Sid"] != "SettingsUser"]
    holds(len(statements) == len(policy["Statement"]) - 1, policy)
    try:
        less = json.dumps({**policy, "Statement": statements})
        iam.put_role_policy(RoleName=role, PolicyName="me", PolicyDocument=less)
        api.me(pair["access_token"]).refuses(500, "internal_error")
    finally:
        iam.put_role_policy(RoleName=role, PolicyName="me", PolicyDocument=json.dumps(policy))
    equal(api.me(pair["access_token"]).status, 200)


def check_tables(_api: Api, emulator: Deployment) -> None:
    """Both tables are written, and neither holds what signs anybody in (OT-01)."""
    dynamodb = emulator.client("dynamodb")
    for table in (f"wardgate-{emulator.stage}", f"wardgate-audit-{emulator.stage}"):
        pages = dynamodb.get_paginator("scan").paginate(TableName=table)
        items = [json.dumps(item, default=repr) for page in pages for item in page["Items"]]
        holds(items, f"{table} is empty")
        for canary in CANARIES:
            holds(not any(canary in item for item in items), f"{table} holds a password or token")


def check_every_function_ran(_api: Api, emulator: Deployment) -> None:
    """Each function of the template has done what it is for, and not only refused."""
    pages = emulator.client("lambda").get_paginator("list_functions").paginate()
    prefix = f"wardgate-{emulator.stage}-"
    names = [function["FunctionName"] for page in pages for function in page["Functions"]]
    equal(sorted(name.removeprefix(prefix) for name in names if name.startswith(prefix)), FUNCTIONS)
    for name in FUNCTIONS:
        ours = [json.loads(line) for line in delivery.logged(emulator, name) if line.startswith("{")]
        # The metrics of its start. What those without requests did, other checks have seen.
        holds(any("_aws" in line for line in ours), f"{name} was not started, or has no metrics")
        failed = [line for line in ours if line.get("message") == "event failed" and line["cause"] not in EXPECTED]
        holds(not failed, f"{name} failed", failed)
        # Some do what they are for by leading on.
        done = any(line.get("message") == "request" and 200 <= line["status"] < 400 for line in ours)
        holds(done or name in WITHOUT_REQUESTS, f"{name} answered no request as it should")


def check_logs(_api: Api, emulator: Deployment) -> None:
    """Each function logs to its own group, in JSON, and even in the greatest detail without passwords, tokens and
    addresses (PL-02)."""
    for name in FUNCTIONS:
        lines = delivery.logged(emulator, name)
        ours = [json.loads(line) for line in lines if line.startswith("{")]
        requests = [line for line in ours if line.get("message") == "request"]
        holds(all(it["request_id"] for it in requests), f"{name} has a request without its id")
        whole = "\n".join(lines)
        holds(ADDRESSES not in whole, f"the log of {name} has an address")
        for canary in CANARIES:
            holds(canary not in whole, f"the log of {name} has a password or token")
            signature = canary.split(".")[2] if canary.startswith("ey") else canary
            holds(signature not in whole, f"the log of {name} has a signature")
