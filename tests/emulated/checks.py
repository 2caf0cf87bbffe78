"""What `make test-deploy` asks of the deployed stacks, from outside: through API Gateway, with nothing but HTTP, except
where a check says so."""

import contextlib
import json
import subprocess
import time
import traceback

import accounts
import canary
import delivery
import deploys
import midway
import migrations
import observability
import operations
import pages
import pipelines
import restore
import rotation
import upgrade
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from deploys import FUNCTIONS
from gateway import ADDRESSES, CANARIES, Api, claims, decoded, encoded, equal, holds, remembered
from mails import Mailbox
from protected_api import check_protected_api

# What no request of ours reaches, and so has no line about one; the authorizer is asked by the gateway.
WITHOUT_REQUESTS = {
    "audit-watch", "authorizer", "eraser", "events", "mailer", "migrate", "restore-sweep", "rotate-keys", "smoke",
}

# What check_rotation brings about: an operator's command goes on with a rotation that was not finished, and begins anew.
EXPECTED = {"this version is not being made: the rotation is over, or another one took its place"}


def check_ready(api, _emulator):
    """With the keys of the first rotation."""
    equal(api.ask("GET", "/ready").status, 200)
    health = api.ask("GET", "/health").is_ok()
    equal({it["name"]: it["status"] for it in health.json["dependencies"]}, {"dynamodb": "healthy", "keys": "healthy"})


def check_keys_and_discovery(api, emulator):
    discovery = api.ask("GET", "/.well-known/openid-configuration")
    issuer = emulator.parameters["Issuer"]
    equal((discovery.status, discovery.json["issuer"]), (200, issuer))
    path = discovery.json["jwks_uri"].removeprefix(issuer)
    jwks = api.ask("GET", path)
    equal(jwks.status, 200)
    holds("max-age" in jwks.headers["cache-control"], jwks.headers["cache-control"])
    for key in jwks.json["keys"]:
        holds(not {"d", "p", "q", "k"} & key.keys(), "a private member is published")


def check_tour(api, emulator):
    """The lines of README.md, as a shell runs them. The account is there before: unlike the tour's own stage, this one
    has it verified."""
    early = api.signed_in("ada@example.com")
    api.ask("POST", "/v1/logout", bearer=early["access_token"])
    ran = subprocess.run(
        ["bash", "-c", emulator.tour], env=emulator.environment, capture_output=True, text=True, timeout=60, check=False
    )
    lines = ran.stdout.splitlines()
    holds(len(lines) == 7, ran.stdout, ran.stderr)
    registered, signed_in, me, refreshed, sessions, left, gone = lines
    CANARIES.add(json.loads(registered)["flow_token"])
    pairs = [remembered(json.loads(line)) for line in (signed_in, refreshed)]
    equal(json.loads(me)["email"], "ada@example.com")
    equal(pairs[0]["session_id"], pairs[1]["session_id"])
    equal([it["id"] for it in json.loads(sessions)["items"]], [pairs[0]["session_id"]])
    equal((left, json.loads(gone)["status"]), ("204", 401))


def check_access_token_verifies_by_published_keys(api, emulator):
    token = api.signed_in("token@example.com")["access_token"]
    header, payload, signature = token.split(".")
    keys = {key["kid"]: key for key in api.ask("GET", "/.well-known/jwks.json").json["keys"]}
    key = keys[json.loads(decoded(header))["kid"]]
    n, e = (int.from_bytes(decoded(key[member])) for member in "ne")
    public = rsa.RSAPublicNumbers(e, n).public_key()
    public.verify(decoded(signature), f"{header}.{payload}".encode(), padding.PKCS1v15(), SHA256())
    with contextlib.suppress(InvalidSignature):
        public.verify(decoded(signature), f"{header}.x{payload}".encode(), padding.PKCS1v15(), SHA256())
        raise AssertionError("any signature verifies")
    equal((claims(token)["iss"], claims(token)["aud"]),
          (emulator.parameters["Issuer"], [emulator.parameters["Audience"]]))


def check_forged_tokens(api, _emulator):
    pair = api.signed_in("forged@example.com")
    header, payload, signature = pair["access_token"].split(".")
    other = encoded(json.dumps({**claims(pair["access_token"]), "sub": "usr_01m7ye4e23ts5hp6njnz1e9mad"}).encode())
    unsigned = encoded(json.dumps({**json.loads(decoded(header)), "alg": "none"}).encode())
    stranger = rsa.generate_private_key(65537, 2048)
    resigned = encoded(stranger.sign(f"{header}.{other}".encode(), padding.PKCS1v15(), SHA256()))
    forgeries = [
        f"{header}.{other}.{signature}",
        f"{unsigned}.{other}.",
        f"{header}.{other}.{resigned}",
        f"{header}.{payload}.{encoded(decoded(signature)[::-1])}",
        pair["refresh_token"],
        "x",
    ]
    for forgery in forgeries:
        answer = api.me(forgery)
        answer.refuses(401, "invalid_token")
        holds(answer.headers["www-authenticate"].startswith("Bearer"), answer.headers["www-authenticate"])
    kind, body, mac = pair["refresh_token"].split(".")
    for forgery in (f"{kind}.{body}.{encoded(decoded(mac)[::-1])}", pair["access_token"]):
        api.refresh(forgery).refuses(401, "invalid_token")
    equal(api.me(pair["access_token"]).status, 200)


def check_dead_session(api, _emulator):
    pair = api.signed_in("dead@example.com")
    equal(api.me(pair["access_token"]).status, 200)
    left = api.ask("POST", "/v1/logout", bearer=pair["access_token"])
    equal((left.status, left.text), (204, ""))
    for answer in (api.me(pair["access_token"]), api.refresh(pair["refresh_token"])):
        answer.refuses(401, "invalid_token")


def check_refresh_family(api, _emulator):
    """A lost answer is given again; a token from before is a theft."""
    first = api.signed_in("family@example.com")
    second = remembered(api.refresh(first["refresh_token"]).json)
    again = remembered(api.refresh(first["refresh_token"]).json)
    equal(again["refresh_token"], second["refresh_token"])
    # Only an answer that is older than a moment gives way to a new one.
    third = second
    deadline = time.monotonic() + 30
    while third["refresh_token"] == second["refresh_token"]:
        holds(time.monotonic() < deadline, "the token never changes")
        time.sleep(0.5)
        third = remembered(api.refresh(second["refresh_token"]).json)
    api.refresh(first["refresh_token"]).refuses(401, "invalid_token")
    api.refresh(third["refresh_token"]).refuses(401, "invalid_token")
    api.me(third["access_token"]).refuses(401, "invalid_token")


def check_sessions(api, _emulator):
    email = "sessions@example.com"
    mine, second, third = api.signed_in(email), api.login(email), api.login(email)
    bearer = mine["access_token"]
    listed = api.ask("GET", "/v1/sessions", bearer=bearer)
    equal({it["id"] for it in listed.json["items"]}, {it["session_id"] for it in (mine, second, third)})
    page = api.ask("GET", "/v1/sessions?limit=2", bearer=bearer)
    equal(len(page.json["items"]), 2)
    equal(api.ask("DELETE", f"/v1/sessions/{second['session_id']}", bearer=bearer).status, 204)
    equal(api.me(second["access_token"]).status, 401)
    api.ask("DELETE", "/v1/sessions/ses_01m7ye4e4bc5y8fstk2pcpkznc", bearer=bearer).refuses(404, "not_found")
    equal(api.me(third["access_token"]).status, 200)
    equal(api.ask("DELETE", "/v1/sessions", bearer=bearer).status, 204)
    equal((api.me(third["access_token"]).status, api.me(bearer).status), (401, 200))


def check_guessing(api, _emulator):
    email = "guessed@example.com"
    api.registered(email)
    for _ in range(12):
        answer = api.ask("POST", "/v1/login", {"email": email, "password": "analytical engines rattle"})
        if answer.status == 429:
            break
        answer.refuses(401, "invalid_credentials")
    answer.refuses(429, "too_many_attempts")
    holds(int(answer.headers["retry-after"]) > 0, answer.headers["retry-after"])


def check_bodies(api, _emulator):
    """API Gateway and the function agree on text, and on what is no text."""
    name = "Ада 🦀 Lovelace"
    api.registered("bodies@example.com", name)
    equal(api.me(api.login("bodies@example.com")["access_token"]).json["name"], name)
    api.ask("POST", "/v1/login", {"email": "bodies@example.com"}).refuses(400, "invalid_request")
    equal(api.ask("POST", "/v1/login", bearer="x").status, 415)


def check_edge(api, _emulator):
    """What every answer has, and what leads nowhere."""
    answer = api.ask("GET", "/v1/me")
    answer.refuses(401, "authentication_required")
    equal((answer.headers["cache-control"], answer.headers["x-content-type-options"]), ("no-store", "nosniff"))
    nowhere = [("GET", "/v1/login"), ("GET", "/"), ("POST", "/v1/me/x"), ("GET", "/metrics"), ("GET", "/dev")]
    for method, path in nowhere:
        equal((method, path, api.ask(method, path).status), (method, path, 404))


def check_cors(api, emulator):
    [listed] = emulator.parameters["AllowedOrigins"].split(",")
    asks = {"access_control_request_method": "POST", "access_control_request_headers": "content-type"}
    allowed = api.ask("OPTIONS", "/v1/login", origin=listed, **asks)
    equal((allowed.status, allowed.headers["access-control-allow-origin"]), (204, listed))
    # For cookie mode.
    equal(allowed.headers["access-control-allow-credentials"], "true")
    refused = api.ask("OPTIONS", "/v1/login", origin=f"{listed}.example.org", **asks)
    equal(refused.headers["access-control-allow-origin"], None)
    # One value, not the gateway's and the function's.
    found = api.ask("GET", "/ready", origin=listed).headers.get_all("access-control-allow-origin")
    equal(found, [listed])


def check_roles_count(api, emulator):
    """Functions run with the rights of their roles: one that is taken away is missed. This is what makes every other
    check here one of the roles too."""
    pair = api.signed_in("roles@example.com")
    iam = emulator.client("iam")
    names = [role["RoleName"] for page in iam.get_paginator("list_roles").paginate() for role in page["Roles"]]
    [role] = [name for name in names if name.startswith(f"wardgate-{emulator.stage}-MeRole-")]
    policy = iam.get_role_policy(RoleName=role, PolicyName="me")["PolicyDocument"]
    statements = [it for it in policy["Statement"] if it["Sid"] != "Caller"]
    holds(len(statements) == len(policy["Statement"]) - 1, policy)
    try:
        less = json.dumps({**policy, "Statement": statements})
        iam.put_role_policy(RoleName=role, PolicyName="me", PolicyDocument=less)
        api.me(pair["access_token"]).refuses(500, "internal_error")
    finally:
        iam.put_role_policy(RoleName=role, PolicyName="me", PolicyDocument=json.dumps(policy))
    equal(api.me(pair["access_token"]).status, 200)


def check_tables(_api, emulator):
    """Both tables are written, and neither holds what signs anybody in (OT-01)."""
    dynamodb = emulator.client("dynamodb")
    for table in (f"wardgate-{emulator.stage}", f"wardgate-audit-{emulator.stage}"):
        pages = dynamodb.get_paginator("scan").paginate(TableName=table)
        items = [json.dumps(item, default=repr) for page in pages for item in page["Items"]]
        holds(items, f"{table} is empty")
        for canary in CANARIES:
            holds(not any(canary in item for item in items), f"{table} holds a password or token")


def check_every_function_ran(_api, emulator):
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
        done = any(line.get("message") == "request" and 200 <= line["status"] < 300 for line in ours)
        holds(done or name in WITHOUT_REQUESTS, f"{name} answered no request as it should")


def check_logs(_api, emulator):
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


# In this order: the first deploys what all others ask, the listener hears of everything, the second release makes all
# later ones log in detail, and the last look at what the others left behind.
STAGING = [
    deploys.check_first_deploy,
    delivery.check_listening,
    check_ready,
    check_keys_and_discovery,
    check_tour,
    deploys.check_second_release,
    deploys.check_same_release,
    restore.check_people_before_restore,
    check_access_token_verifies_by_published_keys,
    check_forged_tokens,
    check_dead_session,
    check_refresh_family,
    check_sessions,
    check_guessing,
    check_bodies,
    check_edge,
    check_cors,
    check_protected_api,
    check_roles_count,
    accounts.check_registration,
    accounts.check_forgotten_password,
    accounts.check_email_code,
    accounts.check_password_change,
    accounts.check_address_change,
    accounts.check_own_data,
    accounts.check_cookie_mode,
    pages.check_pages,
    migrations.check_migrations,
    rotation.check_rotation,
    delivery.check_erasure,
    delivery.check_mail_outlasts_its_service,
    delivery.check_wrong_order,
    delivery.check_events,
    operations.check_version,
    operations.check_status,
    operations.check_logs_are_found,
    operations.check_config,
    pipelines.check_deploy_as_github,
    pipelines.check_read_as_github,
    pipelines.check_watch_alarms,
    pipelines.check_candidate,
    restore.check_restore,
    restore.check_backup_plan,
    operations.check_commands_page,
    observability.check_every_alarm_is_there,
    observability.check_tampering_is_heard,
    canary.check_smoke,
    canary.check_hook,
    canary.check_canary,
    canary.check_deployments_of_everything,
    check_every_function_ran,
    check_tables,
    check_logs,
]
# The same code in the same account, with other parameters: what depends on those.
PRODUCTION = [
    deploys.check_promotion,
    check_ready,
    check_keys_and_discovery,
    check_tour,
    check_access_token_verifies_by_published_keys,
    check_dead_session,
    check_edge,
    check_cors,
    accounts.check_registration,
    accounts.check_cookie_mode,
    check_tables,
    check_logs,
]
# What stages run now, and then what they are to run.
UPGRADE = [
    upgrade.check_previous_release,
    upgrade.check_upgrade,
    upgrade.check_side_by_side,
    upgrade.check_rollback,
    upgrade.check_next_deploy,
    midway.check_rollback_midway,
]
STAGES = {"staging": STAGING, "production": PRODUCTION, "development": UPGRADE}


def run(emulator, checks):
    """Runs the checks of a stage, and gives whether every one passed."""
    sender = emulator.parameters.get("MailSender", "")
    api = Api(emulator.url, Mailbox(emulator.endpoint, sender, emulator.parameters["Issuer"]))
    failed = ran = 0
    for check in checks:
        began = time.monotonic()
        name = check.__name__.removeprefix("check_").replace("_", " ")
        try:
            check(api, emulator)
            result = "ok"
        except Exception:
            failed += 1
            result = "FAILED\n" + traceback.format_exc()
        ran += 1
        print(f"  {name:<48} {time.monotonic() - began:5.1f} s  {result}", flush=True)
        if failed and ran == 1:
            print("Nothing is deployed, so that nothing else can be checked.")
            break
    print(f"{emulator.stage}: {ran - failed} passed, {failed} failed")
    return failed == 0
