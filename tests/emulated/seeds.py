"""People who are made up, and the tool that signs them in: `make seed` and `make load` as they are typed."""

from emulated import commands
from emulated.gateway import CANARIES, Api, equal, holds, matched
from wardgate_infra.emulator.deployment import Deployment

SEED = "emulated"


def check_seed_and_load(api: Api, emulator: Deployment) -> None:
    seed = f"AWS_REGION=eu-central-1 make seed STAGE={emulator.stage} USERS=6 SEED={SEED}"
    refused = commands.typed(emulator, seed)
    holds(refused.returncode != 0 and "who are of no seed" in refused.stderr, refused.stdout, refused.stderr)
    production = commands.typed(emulator, "make seed STAGE=production ANYWAY=1")
    holds(production.returncode != 0 and "production gets no people" in production.stderr, production.stderr)
    first = commands.typed(emulator, f"{seed} ANYWAY=1")
    holds(first.returncode == 0 and "6 people of the seed emulated are new" in first.stderr, first.stdout, first.stderr)
    again = commands.typed(emulator, f"{seed} ANYWAY=1")
    holds("0 people of the seed emulated are new, 6 were there" in again.stderr, again.stdout, again.stderr)

    said = matched(r"Sign in as (success\+seed-\S+-1@simulator\.amazonses\.com) with (\S+)", first.stderr)
    CANARIES.add(said[2])
    pair = api.login(said[1], said[2])
    sessions = api.ask("GET", "/v1/sessions", bearer=pair["access_token"]).is_ok().json["items"]
    equal(len(sessions), 2)

    line = f"make load STAGE={emulator.stage} RATE=2 SECONDS=2 USERS=6 SEED={SEED}"
    loaded = commands.typed(emulator, line)
    holds(loaded.returncode == 0 and "a second signed in: p50" in loaded.stdout, loaded.stdout, loaded.stderr)
    # A busy machine may be late, which is nothing for a page.
    commands.record("load", line, "\n".join(it for it in loaded.stdout.splitlines() if "sent late" not in it))
    nobody = commands.typed(emulator, f"make load STAGE={emulator.stage} SEED=nobody")
    holds(nobody.returncode != 0 and "make seed STAGE=" in nobody.stderr, nobody.stdout, nobody.stderr)
