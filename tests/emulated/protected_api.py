"""examples/protected-api, deployed as its README says, but without SAM: a customer's API that both authorizers
guard."""

import json
from pathlib import Path

from emulated.gateway import Api, HttpApi, claims, equal, holds
from wardgate_infra import templates
from wardgate_infra.emulator import lower
from wardgate_infra.emulator.deployment import Deployment

EXAMPLE = Path(__file__).parents[2] / "examples/protected-api"
STACK = "orders"


def check_protected_api(api: Api, emulator: Deployment) -> None:
    """Either authorizer says 401 without a token, lets the right one in with who it is, and nothing else."""
    orders = deploy(emulator)
    pair = api.signed_in("customer@example.com")
    token = pair["access_token"]
    header, payload, signature = token.split(".")
    forged = f"{header}.{payload}.{signature[::-1]}"
    user = {"user": claims(token)["sub"], "session": pair["session_id"], "scopes": ["account"]}
    for path in ("/orders", "/invoices", "/payouts"):
        equal((path, orders.ask("GET", path).status), (path, 401))
    for path in ("/orders", "/invoices"):
        answer = orders.ask("GET", path, bearer=token)
        holds(answer.status == 200, path, answer.status, answer.text)
        equal(answer.json, {"route": f"GET {path}", **user})
    # Wardgate's authorizer knows one no, and API Gateway's own two: not a token of ours, and not the route's scope.
    equal(orders.ask("GET", "/orders", bearer=forged).status, 403)
    equal(orders.ask("GET", "/invoices", bearer=forged).status, 401)
    equal(orders.ask("GET", "/invoices", bearer=pair["refresh_token"]).status, 401)
    equal(orders.ask("GET", "/payouts", bearer=token).status, 403)
    # The one asks whether the session lives. The other knows the token alone, which ends by itself.
    api.ask("POST", "/v1/logout", bearer=token)
    equal(orders.ask("GET", "/orders", bearer=token).status, 403)
    equal(orders.ask("GET", "/invoices", bearer=token).status, 200)
    check_other_audience(emulator, orders, token)


def check_other_audience(emulator: Deployment, orders: HttpApi, token: str) -> None:
    """A token for another API is none for this one. This is what makes the checks above more than a signature's."""
    gateway = emulator.client("apigatewayv2")
    found = gateway.get_authorizers(ApiId=STACK)["Items"]
    [authorizer] = [it for it in found if it["AuthorizerType"] == "JWT"]
    issuer = authorizer["JwtConfiguration"]["Issuer"]
    gateway.update_authorizer(
        ApiId=STACK,
        AuthorizerId=authorizer["AuthorizerId"],
        JwtConfiguration={"Issuer": issuer, "Audience": ["https://other.example.com"]},
    )
    equal(orders.ask("GET", "/invoices", bearer=token).status, 401)


def deploy(emulator: Deployment) -> HttpApi:
    """The example's stack, with what a customer gives it."""
    alias = emulator.client("lambda").get_alias(FunctionName=f"wardgate-{emulator.stage}-authorizer", Name="live")
    given = {
        "Authorizer": alias["AliasArn"],
        "Issuer": emulator.parameters["Issuer"],
        "Audience": emulator.parameters["AuthorizerAudience"],
    }
    template = templates.read(EXAMPLE / "template.yaml")
    # The translator wants to see code in a bucket.
    template["Resources"]["Function"]["Properties"]["CodeUri"] = "s3://bucket/key"
    lowered = lower.lower(template, given | {"Stage": STACK})
    lowered["Resources"]["Function"]["Properties"]["Code"] = str(EXAMPLE / "src")
    # The emulator's way to choose an id.
    lowered["Resources"]["Api"]["Properties"]["Tags"] = {"ms-custom-id": STACK}
    file = emulator.root / f"target/emulator/protected-api-{emulator.stage}.json"
    file.write_text(json.dumps(lowered, indent=1), encoding="utf-8")
    overrides = [f"{name}={value}" for name, value in given.items()]
    emulator.sam_deploy(file, "--stack-name", STACK, "--resolve-s3", "--parameter-overrides", *overrides)
    return HttpApi(emulator.api(STACK))
