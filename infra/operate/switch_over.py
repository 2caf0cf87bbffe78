"""Which table is live: infra/<stage>/parameters.yaml says it, and a deploy makes it so."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

from stage import ROOT, Failed, Stage

FIRST = re.compile(r"^(?P<name>TableName|TableStreamArn): .*$", re.MULTILINE)


def write_parameters(stage, table_name, stream_arn):
    """Names the table in the stage's file, whose comments and order stay as they are."""
    values = {"TableName": table_name, "TableStreamArn": json.dumps(stream_arn)}
    file = stage.parameter_file
    if not file.exists():
        raise Failed(f"{stage.name} has no {file.relative_to(ROOT)} to write the table's name into.")
    text, changes = FIRST.subn(lambda line: f"{line['name']}: {values[line['name']]}", file.read_text(encoding="utf-8"))
    if changes != len(values):
        raise Failed(f"{file.relative_to(ROOT)} has to have one line each for {' and '.join(values)}.")
    file.write_text(text, encoding="utf-8")


def refuse_other_table(stage):
    """Stops a deploy that would go to another table than the live one: a restore's commit is missing here."""
    live = running(stage).get("TableName")
    wanted = stage.parameters["TableName"]
    if live and live != wanted:
        raise Failed(
            f"{stage.name} uses the table {live}, and infra/{stage.name}/parameters.yaml names {wanted}. If a restore "
            "has switched over, its change of that file is missing here. To change the table: "
            f"make restore STAGE={stage.name} SWITCH_TO={wanted}"
        )


def running(stage):
    """The parameters of the code stack that is there."""
    parameters = (stage.stack(stage.code_stack) or {}).get("Parameters", [])
    return {it["ParameterKey"]: it["ParameterValue"] for it in parameters}


def deploy(stage):
    """Deploys what runs already, for the table that the parameters name now: all functions at once, since two tables
    must not be written to side by side."""
    stage = Stage(stage.name)
    now = running(stage)
    given = stage.parameters | {name: now[name] for name in stage.parameters.keys() & now.keys()}
    given |= {name: stage.parameters[name] for name in ("TableName", "TableStreamArn")}
    # Without a new name no version would be published, and the aliases would stay with the table before.
    given["Release"] = hashlib.sha256(json.dumps(now | given, sort_keys=True).encode()).hexdigest()
    for name, template in ((stage.migrate_stack, "infra/migrate.yaml"), (stage.code_stack, "template.yaml")):
        sam_deploy(stage, name, template, given)


def sam_deploy(stage, name, template, given):
    folder = ROOT / "target/restore"
    folder.mkdir(parents=True, exist_ok=True)
    # JSON is YAML, and the file has to be called so.
    overrides = folder / "parameters.yaml"
    overrides.write_text(json.dumps(given), encoding="utf-8")
    source = ROOT / template
    if stage.is_emulated:
        sys.path.insert(0, str(ROOT / "infra/emulator"))
        import lower

        lowered = lower.lower(lower.read(source), given, ROOT / "target/emulator/lambda")
        source = folder / f"{name}.json"
        source.write_text(json.dumps(lowered), encoding="utf-8")
    command = [Path(sys.executable).with_name("sam"), "deploy", "--config-file", ROOT / "samconfig.toml"]
    command += ["--config-env", stage.name, "--template-file", source, "--stack-name", name]
    command += ["--no-confirm-changeset", "--parameter-overrides", f"file://{overrides}"]
    result = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise Failed(f"{(result.stdout + result.stderr)[-3000:]}\nsam deploy of {name} failed, as above.")
