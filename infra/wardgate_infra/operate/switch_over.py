"""Which table is live: infra/<stage>/parameters.yaml says it, and a deploy makes it so."""

import json
import re

from wardgate_infra import ROOT, Failed
from wardgate_infra.operate import aliases, stacks
from wardgate_infra.operate import release as releases
from wardgate_infra.operate.publications import publications
from wardgate_infra.operate.stage import Stage

FIRST = re.compile(r"^(?P<name>TableName|TableStreamArn): .*$", re.MULTILINE)


def write_parameters(stage: Stage, table_name: str, stream_arn: str) -> None:
    """Names the table in the stage's file, whose comments and order stay as they are."""
    values = {"TableName": table_name, "TableStreamArn": json.dumps(stream_arn)}
    file = stage.parameter_file
    if not file.exists():
        raise Failed(f"{stage.name} has no {file.relative_to(ROOT)} to write the table's name into.")
    text, changes = FIRST.subn(lambda line: f"{line['name']}: {values[line['name']]}", file.read_text(encoding="utf-8"))
    if changes != len(values):
        raise Failed(f"{file.relative_to(ROOT)} has to have one line each for {' and '.join(values)}.")
    file.write_text(text, encoding="utf-8")


def refuse_other_table(stage: Stage) -> None:
    """Stops a deploy that would go to another table than the live one: a restore's commit is missing here."""
    live = running(stage).get("TableName")
    wanted = stage.parameters["TableName"]
    if live and live != wanted:
        raise Failed(
            f"{stage.name} uses the table {live}, and infra/{stage.name}/parameters.yaml names {wanted}. If a restore "
            "has switched over, its change of that file is missing here. To change the table: "
            f"make restore STAGE={stage.name} SWITCH_TO={wanted}"
        )


def running(stage: Stage) -> dict[str, str]:
    """The parameters of the API stack that is there."""
    parameters = (stage.stack(stage.code_stack) or {}).get("Parameters", [])
    return {it["ParameterKey"]: it["ParameterValue"] for it in parameters}


def deploy(stage: Stage) -> None:
    """Deploys what runs already, for the table that the parameters name now: all functions at once, since two tables
    must not be written to side by side."""
    stage = Stage(stage.name)
    deploy_with(stage, {name: stage.parameters[name] for name in ("TableName", "TableStreamArn")})


def deploy_with(stage: Stage, changed: dict[str, str]) -> None:
    """Deploys what runs already, with these parameters changed."""
    now = running(stage)
    stage.parameters.update({name: now[name] for name in stage.parameters.keys() & now.keys()} | changed)
    bucket, live = releases.artifacts(stage), live_release(stage)
    known = bucket.release(live)
    if not known:
        raise Failed(
            f"Nothing is kept of release {live}, which {stage.name} runs: make deploy STAGE={stage.name} first."
        )
    manifest = bucket.manifest(known["artifact"])
    releases.refuse_other(stage, manifest)
    release = releases.name_release(manifest, stage.parameters)
    given = {**stage.parameters, "Release": release, "Canary": "false"}
    archives = releases.code(manifest)
    published = publications(stage.release_stacks.values(), given, archives)
    releases.remember(stage, release, manifest, live, published)
    code = stacks.Code(bucket.bucket, archives, published)
    for name, template in stage.release_stacks.items():
        stacks.deploy(stage, name, template, given, yes=True, code=code)


def live_release(stage: Stage) -> str:
    """The one release that answers."""
    live, others = releases.running(stage, aliases.functions(stage))
    if live is None or others:
        raise Failed(f"{stage.name} runs several releases: make rollback STAGE={stage.name} or deploy first.")
    return live
