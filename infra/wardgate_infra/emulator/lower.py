"""Turns a template into what the emulator can deploy.

Each lowering says what the emulator lacks, and which test holds the original to what is lost on the way. What it
takes and passes over without a word needs no lowering, and has tests in tests/template/ as well:
- Of a stream, records that a function reports as failed count as done. Only an error of the whole function brings a
  batch back, unhalved and for ever, so nothing gets into the queue of what was given up. Of a queue, what is reported
  does come again, and is set aside in the end. The original:
  what_stream_and_queue_could_not_deliver_comes_again_and_is_kept, which also has the number of mailers, here one.
- Nothing is encrypted, and no condition on a key is looked at. The original:
  sec_pl_01_a_role_writes_its_own_log_and_decrypts_for_the_services_that_it_uses.
- A client's address is always 127.0.0.1, and throttles are not applied. The original:
  what_hashes_passwords_has_concurrency_memory_and_a_throttle_of_its_own.
- An alias that changes has its version at once, and no second one with a weight: there is no CodeDeploy. What it would
  do is tried with a stand-in (tests/emulated/canary.py). The original's preferences, hooks and alarms:
  tests/deployments.rs.
- An alarm goes by its metric's name alone, whatever the dimensions, and missing data changes no state. The originals'
  metrics and dimensions: tests/observability.rs,
  every_alarm_watches_what_is_emitted_with_exactly_these_dimensions.
- Lines of the embedded metric format stay lines; tests/emulated/observability.py makes metrics of them.
- A rule that asks for CloudTrail's read-only events has a state that the emulator never delivers for, which has no
  CloudTrail. tests/emulated/observability.py asks whether its pattern matches.
- OPTIONS is refused before a route is looked for, where the API has no CorsConfiguration. deployment.py and issuers.py
  ask the function instead. The original's route: routes_are_the_endpoints.
- Cookies come as a header instead of a list; for the list there is a test in shared/src/lambda.rs.
"""

import re
from collections.abc import Callable

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from wardgate_infra import Json

REGION = "eu-central-1"
METHODS = {"get", "put", "post", "delete", "patch", "head", "options"}
# What a Body calls a route of every method, and what the route is called.
ANY = {"x-amazon-apigateway-any-method": "any"}


def api_id(stage: str, region: str = REGION) -> str:
    """An API's id is random in AWS. Here it is part of development's issuer, which functions know before it."""
    return f"wardgate-{stage}" if region == REGION else f"wardgate-{stage}-{region}"


def parameters(template: Json, given: dict[str, str]) -> dict[str, str | list[str]]:
    """Every parameter's value, in the form in which CloudFormation hands it to SAM: a list as a list."""
    values = {}
    for name, parameter in template["Parameters"].items():
        value = str(given.get(name, parameter.get("Default")))
        values[name] = value.split(",") if parameter["Type"] == "CommaDelimitedList" else value
    return values


# What the emulator does not know, or would only complain about.
ABSENT = {
    # It knows no schedules, and its RotateSecret asks no function: operate/rotate.py takes the four steps by itself
    # there. The original: tests/template/, sec_tk_04_each_ring_but_the_wrapping_ones_rotates_by_a_schedule.
    "AWS::SecretsManager::RotationSchedule",
    "AWS::CodeDeploy::Application",
    "AWS::CodeDeploy::DeploymentGroup",
    # The original's rules: tests/observability.rs, every_alarm_speaks_to_the_topic_of_its_severity and
    # what_is_wrong_at_all_is_every_alarm_of_its_severity.
    "AWS::CloudWatch::CompositeAlarm",
    # The emulator runs no plan. The original's tables: tests/backups.rs,
    # both_tables_and_what_a_restore_makes_of_them_are_backed_up.
    "AWS::Backup::BackupSelection",
    # It restores nothing by itself. The originals: tests/backups.rs,
    # a_backup_of_each_table_is_restored_each_month_by_a_role_that_reaches_no_live_table.
    "AWS::Backup::RestoreTestingPlan",
    "AWS::Backup::RestoreTestingSelection",
    # It wants TLS, which is not to be had here.
    "AWS::S3::BucketPolicy",
    # Its CloudFormation knows neither of these. The originals: tests/template/,
    # sec_ed_05_the_logs_have_these_fields_and_no_others and
    # sec_ed_06_the_limits_on_guessing_know_every_route_that_hashes.
    "AWS::Logs::Delivery",
    "AWS::Logs::DeliveryDestination",
    "AWS::Logs::DeliverySource",
    "AWS::WAFv2::IPSet",
    "AWS::WAFv2::LoggingConfiguration",
    # The emulator's CloudFormation does not know it. The roles are given the ARN of one that is there.
    "AWS::IAM::OIDCProvider",
}


def lower(template: Json, given: dict[str, str], region: str = REGION) -> Json:
    """The template without SAM and without what the emulator does not know."""
    if "Transform" in template:
        translator = Translator({}, Parser(), boto_session=boto3.Session(region_name=region))
        template = translator.translate(template, parameters(template, given))
        # Goes nowhere, but it would complain on exit.
        translator.metrics.publish()
    if "Conditions" in template:
        # The emulator's know no region. Nothing is lost: it is the one that the stack is made in.
        template["Conditions"] = with_region(template["Conditions"], region)
    resources = template["Resources"]
    for logical_id, resource in list(resources.items()):
        properties = resource.get("Properties", {})
        match resource["Type"]:
            case kind if kind in ABSENT:
                del resources[logical_id]
            case "AWS::ApiGatewayV2::Api":
                lower_api(resources, logical_id, properties, api_id(given["Stage"], region))
            case "AWS::Lambda::Alias":
                resource.pop("UpdatePolicy", None)
            case "AWS::Events::Rule" if "ScheduleExpression" in properties:
                # Checks break things on purpose, which a run by the schedule would report; what it calls, they call.
                # The original's: tests/observability.rs, the_smoke_test_runs_by_a_schedule_that_an_alarm_waits_for.
                properties["State"] = "DISABLED"
            case kind if kind in BY_PROPERTIES:
                BY_PROPERTIES[kind](properties)
        if resource["Type"] == "AWS::IAM::Role" and region != REGION:
            # Roles are in no region, and what the emulator calls one is made of its stack's name and its own.
            properties.setdefault("RoleName", {"Fn::Sub": f"${{AWS::StackName}}-{logical_id}-{region}"})
    # Without CodeDeploy nothing depends on it, and CloudFormation takes its change for none.
    template.get("Parameters", {}).pop("Canary", None)
    return template


def with_region(value: Json, region: str) -> Json:
    """A part of a template with the region where it refers to it."""
    if value == {"Ref": "AWS::Region"}:
        return region
    if isinstance(value, dict):
        return {name: with_region(it, region) for name, it in value.items()}
    return [with_region(it, region) for it in value] if isinstance(value, list) else value


def lower_alarm(properties: Json) -> None:
    """Alarms there watch one metric, and know neither expressions nor bands. What is left of such a one has its name,
    can be set off by hand, and never goes off by itself. The originals': tests/observability.rs,
    every_expression_names_metrics_that_its_alarm_has."""
    if "Metrics" not in properties:
        return
    first = next(it["MetricStat"] for it in properties.pop("Metrics") if "MetricStat" in it)
    properties |= first["Metric"] | {"Period": first["Period"], "Statistic": first["Stat"]}
    properties |= {"ComparisonOperator": "GreaterThanThreshold", "Threshold": 1_000_000_000}
    properties.pop("ThresholdMetricId", None)


def lower_web_acl(properties: Json) -> None:
    """Without the set of addresses that the emulator does not know, and what is limited by it. It limits nothing
    anyway."""
    properties["Rules"] = [it for it in properties["Rules"] if "IPSetReferenceStatement" not in str(it)]


# What conditions of infra/pipeline.yaml ask, and the emulator does not know of a request. The original's:
# tests/pipeline.rs, sec_pl_01_stacks_change_through_cloudformations_own_role_alone.
UNKNOWN = ("cloudformation:RoleArn",)


def lower_policy(properties: Json) -> None:
    """Without the conditions that would never hold here."""
    for statement in properties["PolicyDocument"]["Statement"]:
        lower_list(statement)
        for operator, keys in list(statement.get("Condition", {}).items()):
            for key in UNKNOWN:
                keys.pop(key, None)
            if not keys:
                del statement["Condition"][operator]


def lower_list(statement: Json) -> None:
    """Whoever asks for a key-value store is asked for all of them. Which one the original lets its function reach:
    tests/template/, sec_pl_01_the_edge_sync_reaches_its_queues_and_one_list_alone."""
    actions = statement.get("Action", [])
    if any(it.startswith("cloudfront-keyvaluestore:") for it in ([actions] if isinstance(actions, str) else actions)):
        statement["Resource"] = "*"


def lower_role(properties: Json) -> None:
    """Some rights are looked for in another form than in AWS. To send messages in batches is one of its own here, and
    part of sending them there; and the emulator sees neither which identity a mail is sent from nor which address. Whom
    the original lets send, and where to: tests/template/,
    sec_pl_01_events_and_mailer_reach_their_own_queues_bus_and_sender_alone. Smoke's name versions, where the emulator
    asks for functions: tests/deployments.rs, sec_pl_08_smoke_reaches_its_own_deployments_and_functions_alone."""
    for policy in properties.get("Policies", []):
        for statement in policy["PolicyDocument"]["Statement"]:
            lower_list(statement)
            if statement.get("Action") == "sqs:SendMessage":
                statement["Action"] = ["sqs:SendMessage", "sqs:SendMessageBatch"]
            elif "ses:SendEmail" in statement.get("Action", []):
                statement["Resource"] = "*"
                statement.pop("Condition", None)
            elif statement.get("Action") == "lambda:InvokeFunction":
                resources = (
                    statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
                )
                named = [it["Fn::Sub"] for it in resources if "Fn::Sub" in it]
                statement["Resource"] = [{"Fn::Sub": it.removesuffix(":*")} for it in named]


# What is lowered by its own properties alone.
BY_PROPERTIES: dict[str, Callable[[Json], None]] = {
    "AWS::CloudWatch::Alarm": lower_alarm,
    "AWS::IAM::ManagedPolicy": lower_policy,
    "AWS::IAM::Role": lower_role,
    "AWS::WAFv2::WebACL": lower_web_acl,
}


def lower_api(resources: Json, api: str, properties: Json, its_id: str) -> None:
    """The emulator ignores an API's Body, which is where SAM puts the routes, so they become resources. Whatever else
    SAM may put there stops the deploy. The original's routes, and which function each leads to: tests/template/,
    routes_are_the_endpoints."""
    body = properties.pop("Body")
    # Only an import has warnings.
    properties.pop("FailOnWarnings", None)
    properties["Name"] = body["info"]["title"]
    properties["ProtocolType"] = "HTTP"
    properties["Tags"] = {"ms-custom-id": its_id}
    schemes = body.get("components", {}).get("securitySchemes", {})
    for name, scheme in schemes.items():
        resources[f"{api}{name}"] = lower_authorizer(name, api, scheme["x-amazon-apigateway-authorizer"])
    for path, methods in body["paths"].items():
        for written, operation in methods.items():
            method = ANY.get(written, written)
            if method not in METHODS | set(ANY.values()):
                raise ValueError(f"{method} {path}: not a method, and nothing here lowers it")
            integration = operation.pop("x-amazon-apigateway-integration")
            # What only describes the operation.
            for harmless in ("parameters", "responses"):
                operation.pop(harmless, None)
            guard = lower_security(operation.pop("security", []), api)
            if operation:
                raise ValueError(f"{method} {path}: nothing here lowers {', '.join(operation)}")
            name = re.sub("[^a-zA-Z0-9]", "", f"{api}{method.title()}{path.title()}")
            resources[f"{name}Integration"] = {
                "Type": "AWS::ApiGatewayV2::Integration",
                "Properties": {
                    "ApiId": {"Ref": api},
                    "IntegrationType": "AWS_PROXY",
                    "IntegrationMethod": integration["httpMethod"],
                    "IntegrationUri": integration["uri"],
                    "PayloadFormatVersion": integration["payloadFormatVersion"],
                },
            }
            resources[f"{name}Route"] = {
                "Type": "AWS::ApiGatewayV2::Route",
                "Properties": {
                    "ApiId": {"Ref": api},
                    "RouteKey": f"{method.upper()} {path}",
                    **guard,
                    "Target": {"Fn::Join": ["/", ["integrations", {"Ref": f"{name}Integration"}]]},
                },
            }


def lower_authorizer(name: str, api: str, authorizer: Json) -> Json:
    """An authorizer: the same properties in a Body and as a resource, but for the case of their first letter."""
    properties = {key[0].upper() + key[1:]: value for key, value in authorizer.items()}
    configuration = properties.pop("JwtConfiguration", None)
    if configuration:
        properties["JwtConfiguration"] = {key.title(): value for key, value in configuration.items()}
    source = properties["IdentitySource"]
    return {
        "Type": "AWS::ApiGatewayV2::Authorizer",
        "Properties": {
            **properties,
            "ApiId": {"Ref": api},
            "Name": name,
            "IdentitySource": source if isinstance(source, list) else [source],
            "AuthorizerType": properties.pop("Type").upper(),
        },
    }


def lower_security(security: Json, api: str) -> Json:
    """Which authorizer a route asks, and for which scopes."""
    for requirement in security:
        for name, scopes in requirement.items():
            guard = {"AuthorizerId": {"Ref": f"{api}{name}"}}
            # What needs no scope is asked of a function: tests/pipeline.rs holds routes with a JWT authorizer to one.
            if scopes:
                return guard | {"AuthorizationType": "JWT", "AuthorizationScopes": scopes}
            return guard | {"AuthorizationType": "CUSTOM"}
    return {}
