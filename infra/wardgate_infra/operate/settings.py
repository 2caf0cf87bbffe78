"""What operators have set while a stage runs: one item of the table. Every function that uses the table reads it when
it starts, and again when it has known it for half a minute (shared/src/current.rs).
"""

import dataclasses
import json

from botocore.exceptions import ClientError

from wardgate_infra import ROOT, Failed, Json
from wardgate_infra.operate import audit
from wardgate_infra.operate.stage import Stage

KEY = {"pk": {"S": "SETTINGS"}, "sk": {"S": "SETTINGS"}}


@dataclasses.dataclass(frozen=True)
class Settings:
    """The item: dotted keys and their values, and a version that grows with each change."""

    version: int = 0
    values: dict[str, Json] = dataclasses.field(default_factory=dict)

    @property
    def text(self) -> str:
        """As the item has them."""
        return json.dumps(self.values, sort_keys=True)


def table_of(stage: Stage) -> str:
    """The stage's live table: a restore makes another one, and says so in the stage's parameters."""
    return f"{stage.parameters['TableName']}-{stage.name}"


def read(stage: Stage) -> Settings:
    """What is set now."""
    item = stage.client("dynamodb").get_item(TableName=table_of(stage), Key=KEY, ConsistentRead=True).get("Item")
    if item is None:
        return Settings()
    return Settings(int(item["version"]["N"]), json.loads(item["settings"]["S"]))


def write(stage: Stage, before: Settings, values: dict[str, Json], detail: str) -> Settings:
    """Sets these instead, together with the line of the audit trail that says so."""
    after = Settings(before.version + 1, values)
    item = {**KEY, "version": {"N": str(after.version)}, "settings": {"S": after.text}}
    condition: Json = {"ConditionExpression": "attribute_not_exists(pk)"}
    if before.version:
        condition = {
            "ConditionExpression": "version = :before",
            "ExpressionAttributeValues": {":before": {"N": str(before.version)}},
        }
    line = audit.line(stage, "settings_changed", detail)
    try:
        stage.client("dynamodb").transact_write_items(
            TransactItems=[{"Put": {"TableName": table_of(stage), "Item": item, **condition}}, {"Put": line}]
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == "TransactionCanceledException":
            raise Failed("Somebody else has set something meanwhile: look at `make config`, and try again.") from error
        raise
    return after


def followers() -> set[str]:
    """The functions that follow what is set: those that may read the item, as recorded."""
    grants = json.loads((ROOT / "infra/grants.json").read_text(encoding="utf-8"))
    return {
        name
        for name, granted in grants.items()
        if any("SETTINGS" in partitions for partitions in granted["tables"].values())
    }
