"""docs/operations/commands.md: every operator command, typed against the emulated stage, with what it printed.

The page is made of COMMANDS, in this order: a line for each command is all that a new verb needs here. A command that
no longer works fails, and so does a page that says something else than the terminal. What differs from run to run is put
into one form first. tests/operator_verbs.rs holds the page to the verbs of the Makefile.
"""

import difflib
import os
import re
import subprocess
from pathlib import Path

from emulated.gateway import holds
from wardgate_infra.emulator.deployment import Deployment

PAGE = Path(__file__).parents[2] / "docs/operations/commands.md"
# What is typed, with names in braces of what the check knows; and what it is for. The verb is the page's heading.
COMMANDS = [
    (
        "make status STAGE=staging",
        """\
How the stage is: stacks, releases, deployments, `/health` and `/ready`, alarms, queues, tables, key rings and
migrations, and the address of its dashboard. It reads no key and nothing of a user. The exit status is not 0 if something is wrong, and the last lines say what.""",
    ),
    (
        "make version STAGE=staging",
        """\
What the stage runs, since when and by whom, and where a rollback would go. The exit status is not 0 if the functions
run different releases.""",
    ),
    (
        "make logs STAGE=staging REQUEST={request}",
        """\
The lines of all functions and of the gateway's access log, merged by time. `F=login` is one function, `F=api` the
access log, `SINCE=2h` goes further back than 15 minutes, `GREP=text` is only lines with a text, `REQUEST=` only those
about a request, whose id every answer has as `x-request-id`. `FOLLOW=1` goes on until Ctrl-C. Metrics are left out.""",
    ),
    (
        "make config STAGE=staging",
        """\
The configuration that holds, key by key, and which file or variable set it; in a second table the keys that are not
the same for every function. The variables are those of the functions that run, the files those of this checkout.
`KEY=tokens` is only keys that contain a text. `STAGE=development` without AWS is what `make run` starts with.""",
    ),
    (
        "set",
        """\
Sets a key while the stage runs, or takes it back with `UNSET=1`: [settings](settings.md). Every function that uses the table
has it in less than a minute.""",
    ),
    (
        "make smoke STAGE=staging",
        """\
Takes a synthetic user through registration, sign-in, refresh, an application's sign-in, and sign-out:
[what it does and may do](canary.md).""",
    ),
    (
        "make verify STAGE=staging",
        """\
Asks the stage as a client does, over HTTPS by the issuer's own address: [what it asks](verify.md). `MINUTES=10` goes on for
so long, once a minute. The exit status is not 0 if a check failed.""",
    ),
    (
        "make migrate STAGE=staging",
        """\
Applies what is due of the [migrations](migrations.md). `TO=` goes to a number, up or down, `DRY_RUN=1` only counts,
and `REHEARSE=1` applies those of this checkout to a copy.""",
    ),
    (
        "make rotate STAGE=staging RING=login_mac",
        """\
Makes a ring's next key, or those of every ring that has a schedule: [rotation](rotation.md). `RETIRE=` takes a key out of
use at once.""",
    ),
    (
        "make preflight STAGE=staging",
        """\
Whether the account has what a deploy needs, and what to do where it does not: [the checks](preflight.md). The exit status is
not 0 if a deploy would fail.""",
    ),
    (
        "make backup STAGE=staging",
        """\
Backs up both tables now. What is backed up without it: [disaster recovery](disaster-recovery.md).""",
    ),
    (
        "restore",
        """\
Restores the table to a time (`TO=`) or to a backup, and switches over to it: [disaster recovery](disaster-recovery.md).""",
    ),
    (
        "restore-test",
        """\
Judges what AWS Backup has restored [for a test](disaster-recovery.md#the-monthly-restore-test), and fails where the last one
is not a good one. The emulator has no such tests. `PLAN=1` has AWS Backup do them.""",
    ),
    (
        "failover",
        """\
Has [the second region](second-region.md) take over, or the first one take it back. This stage has one region.""",
    ),
    (
        "backup-keys",
        """\
Copies [all key rings](rotation.md#a-copy-of-the-keys) into a file that only the recipients can open.""",
    ),
    (
        "restore-keys",
        """\
Puts lost rings back from such a file: [secrets are lost](disaster-recovery.md#secrets-are-lost). Here all were.""",
    ),
    (
        "rotate-edge",
        """\
Makes the next secret by which functions know [the edge](../edge.md#the-next-secret), without anybody being refused. This stage
has none.""",
    ),
    (
        "edge-probe",
        """\
Measures what only a real account can tell of [the edge](../edge.md#what-only-an-account-can-tell).""",
    ),
    (
        "load",
        """\
Signs [people of a seed](../performance.md#load-on-a-stage) in at a steady rate. The machine of this page also ran the stage.""",
    ),
    (
        "deploy",
        """\
Deploys everything of a stage, [step by step](deploy.md). Here nothing has changed since the deploy before. The test's own
parameters and a build that is there already are left out of the line.""",
    ),
    (
        "rollback",
        """\
Makes the release from before the last deploy live again: [when it refuses](rollback.md). This was typed as GitHub's
deploy role.""",
    ),
    (
        "make destroy STAGE=staging DATA=lost DRY_RUN=1",
        """\
Takes a stage away: [what goes, what stays, and what has to be typed](first-deploy.md#taking-it-all-away-again). Here it
only looks.""",
    ),
    (
        "pipeline",
        """\
Gives GitHub Actions its roles, once, as an administrator: [pipelines](pipelines.md).""",
    ),
    (
        "candidate",
        """\
What production would get: the binaries that staging runs, laid out for whoever verifies them. Pipelines type it.""",
    ),
    (
        "watch-alarms",
        """\
Looks at the stage's alarms for some minutes, here for none, and fails as soon as one rings. Pipelines type it.""",
    ),
]
# What other checks have typed, by verb: (the line, what it printed).
TYPED: dict[str, tuple[str, str]] = {}
INTRODUCTION = """\
# Operator commands

Each command was typed against stage staging on the emulator of `make test-deploy`, and this is what it printed; times,
ids and the like are put into one form. `UPDATE_SNAPSHOTS=1 make test-deploy` writes this page, and `make test-deploy`
fails where a command does something else.

The commands go where AWS's own tools would go: by profile, by role, or by `AWS_ENDPOINT_URL` to the emulator of
`make emulate`. What each needs besides `STAGE=` is in the list that `make` prints.
"""
# What differs from run to run, and what the page has instead.
VOLATILE = [
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "2026-01-31 12:00:00 UTC"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "2026-01-31 12:00 UTC"),
    (r"\b\d\d:\d\d:\d\d\.\d{3}\b", "12:00:00.000"),
    (r"certificate until \d{4}-\d\d-\d\d", "certificate until 2026-03-31"),
    (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "6f1d2c9e-3b7a-4f50-8e21-0a9b8c7d6e5f"),
    (r"\b[0-9a-f]{64}\b", "3f9a1c" + "0" * 58),
    (r"\b[0-9a-f]{40}\b\+?", "8d2b" + "0" * 36),
    (r"^  [0-9a-f]{12}\b", "  3f9a1c000000"),
    (r"trace_id=\S+", "trace_id=Root=1-65b9c1f0-000000000000000000000000"),
    (r"\bms=[\d.]+", "ms=2.0"),
    (r"(?:127\.0\.0\.1|localhost):\d+", "localhost:4566"),
    (r"\b\d+ items, \d+ bytes", "120 items, 30000 bytes"),
    (r"\b(\d+ of )?\d+ functions\b", "all functions"),
]
VOLATILE += [
    (r"\b\d+ items in \d+ s\b", "120 items in 1 s"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "2026-01-31T12:00:00Z"),
    (r"\b\d{8}t\d{6}z\b", "20260131t120000z"),
    (r"\b\d+ ms\b", "12 ms"),
    (r"\(\d+\.\d s\)", "(1.5 s)"),
    (r"\bafter \d+ s\b", "after 90 s"),
    (r"\b[0-9a-f]{32}\b", "5e0b" + "0" * 28),
    (r"\busr_[0-9a-z]{26}\b", "usr_01m7ye4e23ts5hp6njnz1e9mad"),
    (r"/backup/\S+", "/backup/01768000000000-5e0b0000"),
    (r"\b\d{4}-\d\d-\d\d-[0-9a-f]{16}\b", "2026-01-31-5e0b000000000000"),
    (r"\b\d{4}-\d\d-\d\d \d\d:\d\d\b", "2026-01-31 12:00"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,3}Z", "2026-01-31T12:00:00.000Z"),
    (r"\b\d+,\d{3} bytes", "30,000 bytes"),
    (r"/\S+/target/candidate", "target/candidate"),
]
# By these a make would know that it is a part of the one that runs the test, and print other lines.
OUTER_MAKE = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")


def typed(emulator: Deployment, line: str) -> subprocess.CompletedProcess[str]:
    """Runs a command line as a shell in the repository would, with the emulator as AWS."""
    environment = {name: value for name, value in emulator.environment.items() if name not in OUTER_MAKE}
    return subprocess.run(
        ["bash", "-c", line],
        cwd=emulator.root,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        # The first that needs a program builds it, beside whatever else a machine builds.
        timeout=1200,
        check=False,
    )


# What `sam deploy` says of every resource, in the order in which they happen to be done.
SAM = re.compile(
    r"^\tDeploying with following values\n.*?^(?=No changes to deploy|Successfully )", re.MULTILINE | re.DOTALL
)


def steady(text: str) -> str:
    text = SAM.sub("… what sam deploy prints\n", text)
    # Progress, and as many empty lines as sam likes.
    text = "\n".join(line for line in text.splitlines() if "Uploading to " not in line)
    text = re.sub(r"\n{3,}", "\n\n", text).rstrip()
    for pattern, instead in VOLATILE:
        text = re.sub(pattern, instead, text, flags=re.MULTILINE)
    return "\n".join(line.rstrip() for line in text.splitlines())


def record(verb: str, line: str, printed: str) -> None:
    """Keeps what a check has typed, where the page cannot type it once more."""
    TYPED[verb] = (line, printed)


def shape(text: str) -> list[str]:
    """A page without what depends on how much there was to do, which is no mistake of the page's."""
    # How many users, and of which algorithm the keys are that are left, is chance as well.
    text = re.sub(r"(usr_\w+)(, usr_\w+)*", "usr_0", re.sub(r"\b[ER]S256\b", "RS256", text))
    lines = [re.sub(r"\s+", " ", re.sub(r"\d+", "0", line)).strip() for line in text.splitlines()]
    return [line for line in lines if line]


def page(emulator: Deployment, known: dict[str, str]) -> str:
    """Types every command, and gives the page."""
    text, verb = INTRODUCTION, None
    for command, meaning in COMMANDS:
        if command in TYPED:
            line, printed = TYPED[command]
        else:
            line = command.format(**known)
            ran = typed(emulator, line)
            holds(ran.returncode == 0, f"{line}: {ran.returncode}", ran.stdout, ran.stderr)
            printed = ran.stdout
        if verb != (verb := line.split()[1]):
            text += f"\n## {verb}\n"
        text += f"\n{meaning}\n\n```console\n{steady(f'$ {line}')}\n{steady(printed)}\n```\n"
    return text


def check(emulator: Deployment, known: dict[str, str]) -> None:
    found = page(emulator, known)
    if os.environ.get("UPDATE_SNAPSHOTS"):
        PAGE.write_text(found, encoding="utf-8")
    kept = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    difference = difflib.unified_diff(shape(kept), shape(found), "the page", "the terminal", lineterm="")
    holds(
        shape(kept) == shape(found),
        "docs/operations/commands.md is not current: UPDATE_SNAPSHOTS=1 make test-deploy\n" + "\n".join(difference),
    )
