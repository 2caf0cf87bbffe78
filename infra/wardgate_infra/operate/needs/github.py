"""What GitHub decides, and AWS cannot see: which branch or tag gets into an environment, who approves, and who may
push. docs/operations/pipelines.md has the rules."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from typing import TypeAlias

from wardgate_infra import Failed, Json
from wardgate_infra.operate.needs.account import Account
from wardgate_infra.operate.needs.finding import Finding, Level
from wardgate_infra.operate.needs.placeholders import is_nobodys, repository_of

# What gets into each stage's environment.
REFERENCES = {"staging": "develop", "production": "v*"}
BRANCHES = ("develop", "main")
# What holds for both: the rules by GitHub's own names for them.
OF_BRANCHES = {
    "pull_request": "takes pushes without a pull request",
    "required_status_checks": "takes what the check has not passed",
    "non_fast_forward": "can be force-pushed",
}
OF_TAGS = {"creation", "deletion", "update"}
REVIEWERS = 2
# Asks GitHub's API for a path. None where there is nothing.
Ask: TypeAlias = Callable[[str], Json]


def rules(account: Account) -> Finding:
    """GitHub's rules"""
    stage = account.stage
    if stage.name not in REFERENCES:
        return Finding(Level.OK, f"no pipeline deploys {stage.name}")
    if is_nobodys(repository_of(stage)):
        return Finding(Level.OK, "Repository is nobody's yet, so that no pipeline deploys")
    repository = "/".join(it.partition("@")[0] for it in repository_of(stage).split("/"))
    if shutil.which("gh") is None:
        text = f"gh is not installed here: look at the rules of {repository} by hand, docs/operations/pipelines.md"
        return Finding(Level.NOT_ASKED, text)
    wrong = [*of_environment(stage.name, repository, gh), *of_branches(repository, gh), *of_tags(repository, gh)]
    if not wrong:
        return Finding(Level.OK, f"environment, branches and tags of {repository} are guarded")
    return Finding(Level.WARNING, "; ".join(wrong), "docs/operations/pipelines.md, steps 3 and 5. At once.")


def gh(path: str) -> Json:
    """Asks by gh, as whoever is signed in there."""
    ran = subprocess.run(["gh", "api", path], capture_output=True, text=True, timeout=30, check=False)
    if ran.returncode == 0:
        return json.loads(ran.stdout)
    if "HTTP 404" in ran.stderr:
        return None
    raise Failed(f"gh api {path}: {(ran.stderr.strip() or 'no answer').splitlines()[0]}")


def of_environment(stage: str, repository: str, ask: Ask) -> Iterator[str]:
    """Who gets into the environment that AWS trusts."""
    path = f"repos/{repository}/environments/{stage}"
    found = ask(path)
    if found is None:
        yield f"there is no environment {stage}, or gh may not see it"
        return
    policies = (ask(f"{path}/deployment-branch-policies") or {}) if found.get("deployment_branch_policy") else {}
    names = sorted(it["name"] for it in policies.get("branch_policies", []))
    if names != [REFERENCES[stage]]:
        yield f"environment {stage} lets in {', '.join(names) or 'every branch and tag'}, not {REFERENCES[stage]} alone"
    if stage == "production":
        required = [it for it in found.get("protection_rules", []) if it["type"] == "required_reviewers"]
        if sum(len(it.get("reviewers", [])) for it in required) < REVIEWERS:
            yield f"environment {stage} has fewer than {REVIEWERS} reviewers"
        if not any(it.get("prevent_self_review") for it in required):
            yield f"in environment {stage} people approve what they have pushed"


def of_branches(repository: str, ask: Ask) -> Iterator[str]:
    for branch in BRANCHES:
        has = {it["type"] for it in ask(f"repos/{repository}/rules/branches/{branch}") or []}
        yield from (f"{branch} {what}" for rule, what in OF_BRANCHES.items() if rule not in has)


def of_tags(repository: str, ask: Ask) -> Iterator[str]:
    """Whether tags of releases are made by maintainers alone, and never moved."""
    has = set()
    for listed in ask(f"repos/{repository}/rulesets") or []:
        if listed.get("target") == "tag" and listed.get("enforcement") == "active":
            found = ask(f"repos/{repository}/rulesets/{listed['id']}") or {}
            named = found.get("conditions", {}).get("ref_name", {}).get("include", [])
            if {"refs/tags/v*", "~ALL"} & set(named):
                has |= {it["type"] for it in found.get("rules", [])}
    if missing := sorted(OF_TAGS - has):
        yield f"tags v* are without rules against {', '.join(missing)}"
