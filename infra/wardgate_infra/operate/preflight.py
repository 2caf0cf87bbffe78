"""`make preflight`: whether an AWS account has what a stage needs, above all for its first deploy. It only looks.

`make deploy` asks the same first, and prints what is not all right. Where the stage is there already, it asks what can
still make a deploy fail.
"""

import argparse
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeAlias

from botocore.exceptions import BotoCoreError, ClientError

from wardgate_infra import Failed
from wardgate_infra.operate.needs import (
    access,
    backups,
    domain,
    github,
    limits,
    mail,
    names,
    placeholders,
    routes,
    told,
)
from wardgate_infra.operate.needs.account import Account
from wardgate_infra.operate.needs.finding import Finding, Level, why_not_asked
from wardgate_infra.operate.stage import Stage
from wardgate_infra.operate.terminal import say

# Its documentation is its title.
Check: TypeAlias = Callable[[Account], Finding]
CHECKS: tuple[Check, ...] = (
    limits.concurrency,
    names.taken,
    access.boundary,
    access.key,
    placeholders.left,
    routes.settings,
    told.subscribers,
    limits.deployments,
    limits.stacks,
    limits.tables,
    limits.identities,
    mail.sending,
    mail.identity,
    domain.issuer,
    backups.settings,
    backups.copies,
    told.outside,
    access.github,
    github.rules,
)
# What a change of parameters, of templates or of the account can bring about later.
OF_EVERY_DEPLOY = (
    *(limits.concurrency, names.taken, access.boundary, access.key),
    *(placeholders.left, routes.settings, told.subscribers),
)


@dataclass(frozen=True)
class Result:
    """A check by its title, and what it has found."""

    title: str
    finding: Finding


def arguments(_parser: argparse.ArgumentParser) -> None:
    """None of its own."""


def run(stage: Stage, _options: argparse.Namespace) -> None:
    account = Account(stage)
    say(f"Stage {stage.name} in {stage.region}, account {account.id}{', emulated' if stage.is_emulated else ''}")
    results = ask(account, CHECKS)
    show(results)
    missing, warnings, unasked = (count(results, it) for it in (Level.MISSING, Level.WARNING, Level.NOT_ASKED))
    beside = f"{warnings} of {len(results)} checks warn, and {unasked} could not be asked."
    if missing:
        raise Failed(f"make deploy STAGE={stage.name} would fail: {many(missing)} to be put right, as above. {beside}")
    say(f"Nothing is missing without which a deploy fails. {beside}")


def before_deploy(stage: Stage, *, anyway: bool) -> None:
    """Stops a deploy that would fail, before it begins, unless somebody knows better. What could not be asked stops
    none."""
    account = Account(stage)
    # The emulator is nobody's account to be prepared.
    is_first = not account.has_stage and not stage.is_emulated
    told = {Level.MISSING, Level.NOT_ASKED} | ({Level.WARNING} if is_first else set())
    results = ask(account, CHECKS if is_first else OF_EVERY_DEPLOY)
    show([it for it in results if it.finding.level in told])
    missing = count(results, Level.MISSING)
    if missing and not anyway:
        raise Failed(
            f"the deploy of {stage.name} would fail, and has not begun: {many(missing)} to be put right, as above.\n"
            "Then type the same command again. If this is wrong, ANYWAY=1 deploys all the same. "
            "docs/operations/preflight.md has more."
        )


def ask(account: Account, checks: Collection[Check]) -> list[Result]:
    """What each check finds. One that cannot ask leaves the others alone."""
    results = []
    for check in checks:
        try:
            finding = check(account)
        except (BotoCoreError, ClientError, Failed) as error:
            finding = Finding(Level.NOT_ASKED, why_not_asked(error))
        results.append(Result((check.__doc__ or "").rstrip("."), finding))
    return results


def show(results: Collection[Result]) -> None:
    """A line for each, and one below it with what to do."""
    width = max((len(it.title) for it in results), default=0)
    for it in results:
        say(f"{it.finding.level:<9}  {it.title:<{width}}  {it.finding.text}")
        if it.finding.advice:
            say(f"{'':<9}  {it.finding.advice}")


def count(results: Collection[Result], level: Level) -> int:
    return sum(it.finding.level is level for it in results)


def many(number: int) -> str:
    return "1 thing is" if number == 1 else f"{number} things are"
