"""Whether a stage's parameters are its own. What the repository comes with is made of names that are nobody's."""

import re

from wardgate_infra.operate.needs.account import Account
from wardgate_infra.operate.needs.finding import Finding, Level, refused
from wardgate_infra.operate.stage import Stage

# Under which nobody can have anything: https://www.rfc-editor.org/rfc/rfc2606
RESERVED = re.compile(r"(?<![\w-])example\.(com|net|org)(?![\w.-])|\.example(?![\w.-])")
# What clients and recipients get to see, and what tokens say.
ADDRESSES = ("Issuer", "Audience", "AllowedOrigins", "MailSender", "MailIdentity", "WarnEmail", "PageEmail")
REPOSITORY = "example/wardgate"


def left(account: Account) -> Finding:
    """Placeholders"""
    stage = account.stage
    file = f"infra/{stage.name}/parameters.yaml"
    # A stage without a file is a sandbox of somebody's own.
    if not stage.parameter_file.exists():
        return Finding(Level.OK, f"{stage.name} has no {file}, and is nobody else's")
    addresses = [f"{it} {stage.parameters[it]}" for it in ADDRESSES if RESERVED.search(stage.parameters.get(it, ""))]
    others = []
    if is_nobodys(repository := repository_of(stage)):
        others.append(f"Repository {repository}, which make pipeline refuses")
    runbook = stage.parameters.get("RunbookUrl", "")
    if not runbook.startswith("https://"):
        others.append(f"RunbookUrl {runbook or 'empty'}, a link that leads nowhere in the alarms' mails")
    if not addresses and not others:
        return Finding(Level.OK, f"{file} has none")
    return Finding(
        # Tokens, links and mails of such a stage are worth nothing, and to change its issuer ends every session.
        refused(stage) if addresses else Level.WARNING,
        f"still as the repository comes: {'; '.join([*addresses, *others])}",
        f'Write the stage\'s own into {file}; an address that there is none of yet may be empty ("").',
    )


def repository_of(stage: Stage) -> str:
    """What infra/pipeline.yaml gets to know."""
    return stage.parameters.get("Repository") or REPOSITORY


def is_nobodys(repository: str) -> bool:
    """Whether GitHub would let somebody else in: whoever has that name there."""
    return re.sub("@[0-9]+", "", repository) == REPOSITORY
