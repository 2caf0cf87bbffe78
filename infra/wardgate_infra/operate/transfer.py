"""What the program wardgate-operate does for a verb: it is Rust, as the service is, so that keys and accounts are read
and written by the service's own code. It gets who asks and where from here, and never gives a secret back."""

import os
import subprocess
from collections.abc import Generator

import boto3

from wardgate_infra import ROOT, Failed, program
from wardgate_infra.operate.stage import Stage

# Of a build without the embedded store: these verbs are about what is in AWS.
PROGRAM = program("wardgate-operate", "--no-default-features")


def ran(stage: Stage, verb: str, *arguments: str) -> str:
    """What it prints for the verb to read. What it says to people goes to the terminal as it comes."""
    return "".join(lines(stage, verb, *arguments))


def lines(stage: Stage, verb: str, *arguments: str) -> Generator[str, None, None]:
    """The same, as it comes. Whoever stops listening ends it."""
    with subprocess.Popen(
        [*PROGRAM, verb, "--stage", stage.name, *arguments],
        cwd=ROOT,
        env=os.environ | credentials(stage),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield from process.stdout or ()
        except BaseException:
            # And not where it has said everything: then it is about to end by itself.
            process.terminate()
            raise
    if process.returncode != 0:
        raise Failed(f"{verb} has not come to its end, as above.")


def credentials(stage: Stage) -> dict[str, str]:
    """Who asks, of whichever profile or role, as variables: the program knows no other way."""
    found = boto3.Session().get_credentials()
    if found is None:
        raise Failed("There are no AWS credentials in this shell: set AWS_PROFILE, or sign in.")
    frozen = found.get_frozen_credentials()
    given = {
        "AWS_REGION": stage.region,
        "AWS_ACCESS_KEY_ID": frozen.access_key,
        "AWS_SECRET_ACCESS_KEY": frozen.secret_key,
        "AWS_SESSION_TOKEN": frozen.token,
        "AUTH__SECRETS__PREFIX": f"wardgate/{stage.name}/",
    }
    return {name: value for name, value in given.items() if value}
