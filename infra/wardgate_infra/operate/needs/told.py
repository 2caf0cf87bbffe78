"""Checks of who hears of a stage: whoever its alarms wake, and what asks from outside."""

import re

from wardgate_infra.operate.needs.account import (
    PROBE_REGION,
    Account,
    is_there,
    makes_probe,
    probe_stack,
    probes,
)
from wardgate_infra.operate.needs.finding import Finding, Level, refused
from wardgate_infra.operate.stage import Stage

ADDRESSES = ("PageEmail", "PageWebhook")
PENDING = "PendingConfirmation"
# What Route 53 is asked to ask: infra/probe.yaml has no port and no path.
NAME_ALONE = re.compile("https://[a-z0-9.-]+")


def subscribers(account: Account) -> Finding:
    """Who is woken"""
    stage = account.stage
    given = [it for it in ADDRESSES if stage.parameters.get(it)]
    topic = stage.outputs(stage.observability_stack).get("PageTopicArn")
    there: list[str] = []
    if topic:
        pages = stage.client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
        there = [it["SubscriptionArn"] for page in pages for it in page["Subscriptions"]]
    confirmed = [it for it in there if it != PENDING]
    if confirmed:
        return Finding(Level.OK, f"{len(confirmed)} of {len(there)} subscriptions to what cannot wait are confirmed")
    advice = (
        f"Write PageEmail or PageWebhook into infra/{stage.name}/parameters.yaml. A chat subscribes by itself, once "
        "the page topic is in its configuration: docs/operations/observability.md#who-is-told."
    )
    if not given and not there:
        # An alarm that nobody hears is none. A sandbox may have no listener.
        level = refused(stage) if stage.name == "production" else Level.WARNING
        return Finding(level, "nobody: PageEmail and PageWebhook are empty, and nobody has subscribed by hand", advice)
    if there:
        return Finding(Level.WARNING, "nobody yet: no subscription is confirmed", "Confirm the message that SNS sent.")
    return Finding(Level.OK, f"the deploy subscribes {' and '.join(given)}, which have to confirm")


def outside(account: Account) -> Finding:
    """What asks from outside"""
    stage = account.stage
    where, name = stage.in_region(PROBE_REGION), probe_stack(stage)
    if stage.is_emulated:
        return Finding(Level.OK, "nothing, for nobody is outside the emulator")
    if not probes(stage):
        return not_asked(stage, where, name)
    if not NAME_ALONE.fullmatch(stage.parameters["Issuer"]):
        text = f"OutsideProbe is on, and Issuer {stage.parameters['Issuer'] or 'empty'} is no https:// name alone"
        return Finding(refused(stage), text, "Switch it off, or give the issuer a name without port and path.")
    if is_there(where, name):
        return Finding(Level.OK, f"Route 53, by {name} in {PROBE_REGION}")
    if makes_probe(stage):
        return Finding(Level.OK, f"the deploy makes {name} in {PROBE_REGION}")
    return Finding(
        Level.WARNING,
        f"there is no stack {name} in {PROBE_REGION}, and a pipeline's roles end at {stage.region}: nobody asks",
        f"make deploy STAGE={stage.name}, once, as an administrator and without CLOUDFORMATION_ROLE. Minutes.",
    )


def not_asked(stage: Stage, where: Stage, name: str) -> Finding:
    """Where it is switched off."""
    if is_there(where, name):
        delete = f"aws cloudformation delete-stack --region {PROBE_REGION} --stack-name {name}"
        return Finding(Level.WARNING, f"OutsideProbe is off, and {name} still asks", f"{delete}. Minutes.")
    if stage.name == "production":
        text = "nothing: OutsideProbe is off, and a name that leads nowhere is heard of by what does not come"
        return Finding(Level.WARNING, text, 'OutsideProbe: "on" in infra/production/parameters.yaml.')
    return Finding(Level.OK, "OutsideProbe is off: nothing")
