"""Checks of keys, and of what roles are bounded by and GitHub is known by."""

from botocore.exceptions import ClientError

from wardgate_infra.operate.needs.account import Account
from wardgate_infra.operate.needs.finding import Finding, Level, code, refused
from wardgate_infra.operate.stage import Stage

GITHUB = "token.actions.githubusercontent.com"


def boundary(account: Account) -> Finding:
    """The boundary of roles"""
    stage = account.stage
    name = stage.parameters["PermissionsBoundary"]
    if not name:
        return Finding(Level.OK, "PermissionsBoundary is empty: roles have none")
    arn = f"arn:{account.partition}:iam::{account.id}:policy/{name}"
    # Whoever sees the stack needs no right of IAM's.
    if stage.outputs(f"wardgate-{stage.name}-cloudformation-role").get("Boundary") == name or has_policy(stage, arn):
        return Finding(Level.OK, f"{name} is there")
    return Finding(
        refused(stage),
        f"there is no policy {name}, which every role of the stage is made with",
        f"make pipeline STAGE={stage.name}, as an administrator, makes it within minutes. Or leave PermissionsBoundary "
        'empty ("") until a pipeline deploys.',
    )


def has_policy(stage: Stage, arn: str) -> bool:
    try:
        stage.client("iam").get_policy(PolicyArn=arn)
    except ClientError as error:
        if code(error) == "NoSuchEntity":
            return False
        raise
    return True


def key(account: Account) -> Finding:
    """The stage's key"""
    stage, client = account.stage, account.stage.client("kms")
    data = next(it for it in account.stacks if it.name == stage.data_stack)
    [resource] = data.of("AWS::KMS::Alias")
    alias = resource.value("AliasName")
    pages = client.get_paginator("list_aliases").paginate()
    found = next((it for page in pages for it in page["Aliases"] if it["AliasName"] == alias), None)
    if found is None:
        return new_key(stage, alias)
    described = client.describe_key(KeyId=found["TargetKeyId"])["KeyMetadata"]
    state = described["KeyState"]
    if state == "Enabled":
        return Finding(Level.OK, f"{alias} is enabled")
    cancelled = "cancel its deletion, which is possible until its day has come, and " if "Deletion" in state else ""
    return Finding(
        refused(stage),
        f"{alias} is {state}: nothing of the stage can be read or written",
        f"In KMS, {stage.region}: {cancelled}enable key {described['KeyId']}. It takes minutes to count.",
    )


def new_key(stage: Stage, alias: str) -> Finding:
    """Of a first deploy. Policies that know the key by its alias do so minutes after that was made: the boundary does,
    and the deploy's own roles."""
    waits = ", and waits up to five minutes until AWS lets functions use it" * bool(
        stage.parameters["PermissionsBoundary"]
    )
    return Finding(Level.OK, f"the deploy makes {alias}{waits}")


def github(account: Account) -> Finding:
    """GitHub's identity provider"""
    stage = account.stage
    given = stage.parameters.get("GitHubProvider", "")
    providers = stage.client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]
    there = next((it["Arn"] for it in providers if it["Arn"].endswith(f"/{GITHUB}")), "")
    if given == there:
        return Finding(Level.OK, f"{GITHUB} is there" if given else "none, and make pipeline makes it if it is typed")
    if given:
        text = f"GitHubProvider is {given}, and the account has {there or 'none'}"
        return Finding(Level.WARNING, text, "make pipeline takes what the account has, or makes it where it is empty.")
    # One that an own stack has made stays that stack's.
    if stage.outputs(f"wardgate-{stage.name}-pipeline"):
        return Finding(Level.OK, f"{GITHUB} is there")
    return Finding(
        Level.WARNING,
        f"the account has {there}, of which there can be one only, and make pipeline would make another",
        f"Where GitHub is to deploy, write it into GitHubProvider of infra/{stage.name}/parameters.yaml first.",
    )
