"""Checks of what an account may have at most."""

from botocore.exceptions import ClientError

from wardgate_infra.operate.needs.account import Account
from wardgate_infra.operate.needs.finding import Finding, Level, code, refused
from wardgate_infra.operate.stage import Stage

FUNCTION = "AWS::Serverless::Function"
# What Lambda keeps for functions that reserve nothing.
UNRESERVED = 100
# What an account has once AWS knows it; a new one has ten.
USUAL_CONCURRENCY = 1000
# As Service Quotas calls them.
CONCURRENT_EXECUTIONS = "L-B99A9384"
CONCURRENT_DEPLOYMENTS = "L-AB125F0B"
TABLES = "L-F98FE922"


def concurrency(account: Account) -> Finding:
    """Lambda's concurrency"""
    stage, client = account.stage, account.stage.client("lambda")
    limits = client.get_account_settings()["AccountLimit"]
    most, unreserved = limits["ConcurrentExecutions"], limits["UnreservedConcurrentExecutions"]
    wanted = now = 0
    for stack in account.stacks:
        for function in stack.of(FUNCTION):
            # The property is there and empty where a parameter is 0.
            if "ReservedConcurrentExecutions" in function.properties:
                wanted += int(function.value("ReservedConcurrentExecutions") or 0)
                if function.logical_id in account.there(stack):
                    name = function.value("FunctionName")
                    now += client.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions", 0)
    others = most - unreserved - now
    left = most - others - wanted
    text = f"{stage.name} reserves {wanted}, others {others} of {most}; {left} are left, and {UNRESERVED} have to be"
    needed = max(others + wanted + UNRESERVED, USUAL_CONCURRENCY)
    advice = ask_for(str(needed), f"AWS Lambda, Concurrent executions ({CONCURRENT_EXECUTIONS})", stage.region)
    # Lambda looks where a reservation grows.
    if left < UNRESERVED and wanted > now:
        advice += f" Until then set what reserves (…Concurrency) to 0 in infra/{stage.name}/parameters.yaml."
        return Finding(refused(stage), text, advice)
    if most <= UNRESERVED and not wanted:
        text = f"{stage.name} reserves nothing, and no more than {most} requests are answered at a time"
        return Finding(Level.WARNING, text, advice)
    return Finding(Level.OK, text)


def deployments(account: Account) -> Finding:
    """CodeDeploy's concurrent deployments"""
    stage = account.stage
    needed, name = max((len(it.of(FUNCTION)), it.name) for it in account.stacks)
    most = quota(stage, "codedeploy", CONCURRENT_DEPLOYMENTS)
    text = f"{needed} at a time where all of {name} changes, of {most}"
    if needed <= most:
        return Finding(Level.OK, text)
    # What is new is no deployment: it begins with the next change.
    return Finding(
        refused(stage) if account.has_stage else Level.WARNING,
        text,
        ask_for("more", f"AWS CodeDeploy, Concurrent deployments per account ({CONCURRENT_DEPLOYMENTS})", stage.region),
    )


def stacks(account: Account) -> Finding:
    """CloudFormation's stacks"""
    stage, client = account.stage, account.stage.client("cloudformation")
    pages = client.get_paginator("describe_account_limits").paginate()
    most = next(it["Value"] for page in pages for it in page["AccountLimits"] if it["Name"] == "StackLimit")
    pages = client.get_paginator("list_stacks").paginate()
    there = sum(it["StackStatus"] != "DELETE_COMPLETE" for page in pages for it in page["StackSummaries"])
    own = [it for it in account.stacks if it.where is stage]
    needed = sum(not account.has(it) for it in own)
    text = f"{needed} of {len(own)} have to be made, and there are {there} of {most}"
    if there + needed <= most:
        return Finding(Level.OK, text)
    return Finding(refused(stage), text, ask_for("more", "AWS CloudFormation, Stack count", stage.region))


def tables(account: Account) -> Finding:
    """DynamoDB's tables"""
    stage = account.stage
    pages = stage.client("dynamodb").get_paginator("list_tables").paginate()
    there = sum(len(page["TableNames"]) for page in pages)
    needed = account.new()["AWS::DynamoDB::GlobalTable"]
    most = quota(stage, "dynamodb", TABLES)
    text = f"{needed} have to be made, and there are {there} of {most}"
    if there + needed <= most:
        return Finding(Level.OK, text)
    advice = ask_for("more", f"Amazon DynamoDB, Maximum number of tables ({TABLES})", stage.region)
    return Finding(refused(stage), text, advice)


def identities(account: Account) -> Finding:
    """IAM's roles and policies"""
    summary = account.stage.client("iam").get_account_summary()["SummaryMap"]
    new, texts, short = account.new(), [], []
    for kind, name, what in (("Role", "Roles", "roles"), ("ManagedPolicy", "Policies", "policies")):
        needed, there, most = new[f"AWS::IAM::{kind}"], summary[name], summary[f"{name}Quota"]
        texts.append(f"{needed} {what} have to be made, and there are {there} of {most}")
        if there + needed > most:
            short.append(what)
    if not short:
        return Finding(Level.OK, "; ".join(texts))
    # IAM's quotas are kept in one region.
    advice = ask_for(f"more {' and '.join(short)}", "AWS IAM", "us-east-1")
    return Finding(refused(account.stage), "; ".join(texts), advice)


def ask_for(how_much: str, which: str, region: str) -> str:
    """How a quota is raised."""
    return f"In Service Quotas, {region}, ask for {how_much}: {which}. Minutes where AWS does not look, else some days."


def quota(stage: Stage, service: str, quota_code: str) -> int:
    """A quota of the account in the stage's region, or AWS's own where the account has none."""
    client, asked = stage.client("service-quotas"), {"ServiceCode": service, "QuotaCode": quota_code}
    try:
        found = client.get_service_quota(**asked)
    except ClientError as error:
        if code(error) != "NoSuchResourceException":
            raise
        found = client.get_aws_default_service_quota(**asked)
    return int(found["Quota"]["Value"])
