"""Checks of AWS Backup: settings of an account and region, without which the plan is there and backs nothing up."""

from wardgate_infra.operate.needs.account import Account, copy_region, copy_stack, is_there, makes_copies
from wardgate_infra.operate.needs.finding import Finding, Level

DYNAMODB = "DynamoDB"


def settings(account: Account) -> Finding:
    """AWS Backup's settings"""
    region = account.stage.region
    found = account.stage.client("backup").describe_region_settings()
    wrong, arguments = [], []
    # The plan finds tables by tag, and then AWS Backup goes by this.
    if not found["ResourceTypeOptInPreference"].get(DYNAMODB):
        wrong.append("is not opted in, so that no table is backed up")
        arguments.append(f"--resource-type-opt-in-preference {DYNAMODB}=true")
    if not found.get("ResourceTypeManagementPreference", {}).get(DYNAMODB):
        wrong.append("is without its advanced features, so that backups have the tables' key and are copied nowhere")
        arguments.append(f"--resource-type-management-preference {DYNAMODB}=true")
    if not wrong:
        return Finding(Level.OK, f"{DYNAMODB} is opted in with its advanced features in {region}")
    return Finding(
        Level.WARNING,
        f"{DYNAMODB} {', and '.join(wrong)}, in {region}",
        f"aws backup update-region-settings --region {region} {' '.join(arguments)}. At once.",
    )


def copies(account: Account) -> Finding:
    """Copies of backups"""
    stage = account.stage
    region, name = copy_region(stage), copy_stack(stage)
    if not region:
        return Finding(Level.OK, "CopyRegion is empty: none are made")
    if makes_copies(stage):
        return Finding(Level.OK, f"the deploy makes their vault in {region}")
    if stage.is_emulated:
        return Finding(Level.OK, "none, for the emulator has one region")
    if is_there(stage.in_region(region), name):
        return Finding(Level.OK, f"their vault is in {region}")
    return Finding(
        Level.WARNING,
        f"there is no stack {name} in {region}, and a pipeline's roles end at {stage.region}: every copy fails",
        f"make deploy STAGE={stage.name}, once, as an administrator and without CLOUDFORMATION_ROLE. Minutes.",
    )
