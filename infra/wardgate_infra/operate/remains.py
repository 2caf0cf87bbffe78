"""What there is of a stage in an account, of whichever stack it is or was: what `make destroy` lists and takes away.

By the names that the templates give, and nothing because its name begins alike: that may be somebody's.
"""

import datetime
import re
import urllib.parse
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from botocore.exceptions import ClientError

from wardgate_infra import Json
from wardgate_infra.operate import pipeline, restore_test
from wardgate_infra.operate import release as releases
from wardgate_infra.operate.needs import names
from wardgate_infra.operate.needs.account import (
    PROBE_REGION,
    Account,
    copy_region,
    copy_stack,
    edge_stacks,
    has_edge,
    makes_copies,
    makes_probe,
    origin_stack,
    probe_stack,
)
from wardgate_infra.operate.needs.finding import code
from wardgate_infra.operate.restored_table import COPY_INFIX, INFIX
from wardgate_infra.operate.stage import Stage


@dataclass(frozen=True)
class Mapping:
    """Where a custom domain name leads to the stage's API. Somebody has made it, and AWS deletes no API with one."""

    domain: str
    id: str


class Remains:
    """A stage, looked at anew with each question."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        # The stage in its own region, and as far as it reaches into that of the copies.
        self.regions = [stage, *([stage.in_region(copy_region(stage))] if makes_copies(stage) else [])]
        # Where it is asked from outside, and what stands or has stood in front of it, if anything does.
        probes = [(stage.in_region(PROBE_REGION), probe_stack(stage))] if makes_probe(stage) else []
        is_edged = has_edge(stage) or stage.stack(origin_stack(stage)) is not None
        self.outside = [*probes, *((where, name) for where, name, _ in (edge_stacks(stage) if is_edged else []))]

    @cached_property
    def names(self) -> dict[str, set[str]]:
        """The names that the templates give, by the kind of what has them."""
        found = defaultdict[str, set[str]](set)
        for stack in Account(self.stage).stacks:
            for it in stack.resources:
                if it.kind in names.NAMED and (name := it.value(names.NAMED[it.kind][0])):
                    found[it.kind].add(name)
        return found

    def there(self, kind: str) -> list[str]:
        """What there is of these."""
        wanted = self.names[kind]
        return sorted(wanted & set(names.NAMED[kind][1](self.stage, sorted(wanted))))

    @property
    def code_stacks(self) -> list[str]:
        """The stacks that `make deploy` makes anew, with nothing lost but logs: in the order in which they can go."""
        return [self.stage.observability_stack, *reversed(self.stage.release_stacks)]

    @property
    def pipeline_stacks(self) -> list[str]:
        """The last one has the role that CloudFormation deletes a pipeline's stacks with."""
        return [f"wardgate-{self.stage.name}-{it}" for it in reversed(pipeline.TEMPLATES)]

    @property
    def restore_testing_stack(self) -> str:
        return restore_test.stack_name(self.stage)

    @property
    def stacks(self) -> list[tuple[Stage, str]]:
        """Every stack of the stage and where it is, in the order in which they can go."""
        copies = [(it, copy_stack(self.stage)) for it in self.regions[1:]]
        own = [self.restore_testing_stack, *self.code_stacks, self.stage.data_stack, *self.pipeline_stacks]
        backup = (self.stage, self.stage.backup_stack)
        return [backup, *copies, *self.outside, *((self.stage, it) for it in own)]

    @property
    def tables(self) -> list[str]:
        """The tables that the parameters name, the first of each, what restores have made, and the copies of rehearsals
        that were killed."""
        pages = self.stage.client("dynamodb").get_paginator("list_tables").paginate()
        return sorted(it for page in pages for it in page["TableNames"] if self.is_table(it))

    def is_table(self, name: str) -> bool:
        live = [self.stage.parameters[it] for it in ("TableName", "AuditTableName")]
        firsts = "|".join(re.escape(it.split(INFIX)[0]) for it in live)
        restored = f"({firsts})(({INFIX}|{COPY_INFIX})[0-9]{{8}}t[0-9]{{6}}z)?-{self.stage.name}"
        return name in [f"{it}-{self.stage.name}" for it in live] or re.fullmatch(restored, name) is not None

    def describe(self, table: str) -> Json:
        """A table as DynamoDB describes it, or None."""
        try:
            return self.stage.client("dynamodb").describe_table(TableName=table)["Table"]
        except ClientError as error:
            if code(error) != "ResourceNotFoundException":
                raise
            return None

    @property
    def backups(self) -> list[Json]:
        """What `make backup` has made. AWS Backup's are in its vaults, and DynamoDB's own go by themselves."""
        pages = self.stage.client("dynamodb").get_paginator("list_backups").paginate(BackupType="USER")
        found = [it for page in pages for it in page["BackupSummaries"]]
        return [it for it in found if it["BackupType"] == "USER" and self.is_table(it["TableName"])]

    @property
    def secrets(self) -> list[Json]:
        """The key rings, also those that wait to be deleted."""
        asked = {"Filters": [{"Key": "name", "Values": [f"wardgate/{self.stage.name}/"]}]}
        pages = self.stage.client("secretsmanager").get_paginator("list_secrets")
        found = [it for page in pages.paginate(**asked, IncludePlannedDeletion=True) for it in page["SecretList"]]
        own = self.names["AWS::SecretsManager::Secret"]
        return sorted((it for it in found if it["Name"] in own), key=lambda it: str(it["Name"]))

    @property
    def queues(self) -> list[str]:
        return self.there("AWS::SQS::Queue")

    @property
    def buses(self) -> list[str]:
        return self.there("AWS::Events::EventBus")

    @property
    def log_groups(self) -> list[str]:
        """Also what Lambda makes by itself for a function that logs and has none."""
        return self.there("AWS::Logs::LogGroup")

    def aliases(self, where: Stage) -> dict[str, str]:
        """The id of each of the stage's keys in a region, by its alias."""
        pages = where.client("kms").get_paginator("list_aliases").paginate()
        found = {it["AliasName"]: it.get("TargetKeyId") for page in pages for it in page["Aliases"]}
        return {name: found[name] for name in sorted(self.names["AWS::KMS::Alias"]) if found.get(name)}

    def vault(self, where: Stage) -> Json:
        """The vault of a region, or None. AWS Backup does not say of a single one that it is not there."""
        pages = where.client("backup").get_paginator("list_backup_vaults").paginate()
        found = (it for page in pages for it in page["BackupVaultList"])
        return next((it for it in found if it["BackupVaultName"] in self.names["AWS::Backup::BackupVault"]), None)

    def recovery_points(self, where: Stage, vault: Json) -> list[Json]:
        pages = where.client("backup").get_paginator("list_recovery_points_by_backup_vault")
        name = vault["BackupVaultName"]
        return [it for page in pages.paginate(BackupVaultName=name) for it in page["RecoveryPoints"]]

    @property
    def mappings(self) -> list[Mapping]:
        """Which custom domain names lead to the stage's API."""
        url = self.stage.outputs(self.stage.code_stack).get("ApiUrl")
        if url is None:
            return []
        api, client = (urllib.parse.urlsplit(url).hostname or "").partition(".")[0], self.stage.client("apigatewayv2")
        domains = (it for page in client.get_paginator("get_domain_names").paginate() for it in page.get("Items", []))
        return [
            Mapping(it["DomainName"], one["ApiMappingId"])
            for it in domains
            for one in client.get_api_mappings(DomainName=it["DomainName"]).get("Items", [])
            # The edge's own is of the stack, and goes with it.
            if one["ApiId"] == api and it["DomainName"] != self.stage.parameters.get("OriginDomain")
        ]

    @property
    def records(self) -> list[str]:
        """What the bucket of artifacts keeps about this stage alone. Artifacts belong to no stage."""
        if (bucket := releases.kept(self.stage)) is None:
            return []
        pages = bucket.s3.get_paginator("list_objects_v2")

        def listed(prefix: str) -> Iterator[str]:
            found = (page.get("Contents", []) for page in pages.paginate(Bucket=bucket.bucket, Prefix=prefix))
            return (it["Key"] for several in found for it in several)

        own = (it for it in listed("releases/") if (bucket.read(it) or {}).get("stage") == self.stage.name)
        return [*listed(f"stages/{self.stage.name}/"), *own]

    @property
    def newest_backup(self) -> datetime.datetime | None:
        """When the last backup of a table was made that is still there, by whatever has made it."""
        found = [it["BackupCreationDateTime"] for it in self.backups]
        for where in self.regions:
            if vault := self.vault(where):
                points = self.recovery_points(where, vault)
                found += [it["CreationDate"] for it in points if it["Status"] == "COMPLETED"]
        return max(found, default=None)
