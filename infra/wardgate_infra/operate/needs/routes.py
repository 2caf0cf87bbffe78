"""Routes of the API that have settings of their own, which AWS keeps beyond the route."""

import urllib.parse

from wardgate_infra import Json, templates
from wardgate_infra.operate.needs.account import Account
from wardgate_infra.operate.needs.finding import Finding, Level, refused
from wardgate_infra.operate.stage import Stage

KIND = "AWS::Serverless::HttpApi"
API_STAGE = "$default"
METHODS = {"x-amazon-apigateway-any-method": "ANY"}


def settings(account: Account) -> Finding:
    """Routes with a throttle of their own"""
    stage = account.stage
    if not account.has_stage:
        return Finding(Level.OK, "there are none before the first deploy")
    body = stage.client("cloudformation").get_template(StackName=stage.code_stack)["TemplateBody"]
    deployed = templates.parse(body) if isinstance(body, str) else body
    had = {it for api in apis(deployed) for it in api.get("RouteSettings", {})}
    code = next((it for it in account.stacks if it.name == stage.code_stack), None)
    routes = {it for api in code.of(KIND) for it in routes_of(api.properties)} if code else had
    if not had - routes:
        return Finding(Level.OK, f"each of {len(had)} is a route still")
    api = (urllib.parse.urlsplit(stage.outputs(stage.code_stack)["ApiUrl"]).hostname or "").partition(".")[0]
    # Somebody may have taken them away already: the template is then still the last deploy's.
    kept = stage.client("apigatewayv2").get_stage(ApiId=api, StageName=API_STAGE).get("RouteSettings", {})
    gone = sorted((had - routes) & kept.keys())
    if not gone:
        return Finding(Level.OK, "those of routes that go are taken away")
    return Finding(
        refused(stage),
        f"{', '.join(gone)} would go or be renamed, and API Gateway then refuses the settings that it keeps of it "
        "(Unable to find Route by key)",
        "Take them away first. Until the deploy the route has the throttle of all: "
        + "; ".join(delete(stage, api, gone)),
    )


def apis(content: Json) -> list[Json]:
    """The properties of a template's APIs."""
    return [it["Properties"] for it in content["Resources"].values() if it["Type"] == KIND]


def routes_of(api: Json) -> list[str]:
    """A route is a method and a path."""
    paths = api["DefinitionBody"]["paths"].items()
    return [f"{METHODS.get(method, method.upper())} {path}" for path, operations in paths for method in operations]


def delete(stage: Stage, api: str, routes: list[str]) -> list[str]:
    command = (
        f"aws apigatewayv2 delete-route-settings --region {stage.region} --api-id {api} --stage-name '{API_STAGE}'"
    )
    return [f"{command} --route-key '{it}'" for it in routes]
