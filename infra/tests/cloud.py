"""A stage as `make destroy` finds it: every service answers of what is left, and forgets what is deleted."""

import datetime
import re
from collections.abc import Callable

from tests.fakes import FakeClient, error, stage
from wardgate_infra import Json
from wardgate_infra.operate import pipeline
from wardgate_infra.operate.remains import Remains
from wardgate_infra.operate.stage import Stage

NOW = datetime.datetime.now(datetime.UTC)
SOON = NOW + datetime.timedelta(days=30)
ACCOUNT = "123456789012"
ADMINISTRATOR = f"arn:aws:iam::{ACCOUNT}:user/ada"
BUCKET = f"wardgate-artifacts-{ACCOUNT}-eu-central-1"
API = "https://a1b2c3.execute-api.eu-central-1.amazonaws.com"
# Deleted in whichever order; each as (service, operation, what).
Deleted = tuple[str, str, str]


class Cloud:
    """The services. What a test changes here, they answer."""

    def __init__(self, name: str = "staging") -> None:
        self.name = name
        made: Stage = stage(name)
        own = [made.data_stack, *made.release_stacks, made.observability_stack, made.backup_stack]
        self.stacks: dict[str, Json] = {it: {"StackStatus": "UPDATE_COMPLETE"} for it in own}
        for it in pipeline.TEMPLATES:
            self.stacks[f"wardgate-{name}-{it}"] = {"StackStatus": "CREATE_COMPLETE"}
        self.stacks["wardgate-artifacts"] = {"Outputs": [{"OutputKey": "Bucket", "OutputValue": BUCKET}]}
        self.stacks[made.code_stack]["Outputs"] = [{"OutputKey": "ApiUrl", "OutputValue": API}]
        self.tables: dict[str, Json] = {
            it: self.table(it) for it in (f"wardgate-{name}", f"wardgate-audit-{name}", "other", f"wardgate-x-{name}")
        }
        self.policies: dict[str, str] = {}
        self.migrations: list[Json] = []
        self.backups = [f"wardgate-{name}", "other"]
        self.secrets: dict[str, Json] = {f"wardgate/{name}/signing": {}, f"wardgate/{name}/of-others": {}}
        self.queues, self.buses = {f"wardgate-{name}-mail.fifo", f"wardgate-{name}-of-others"}, {f"wardgate-{name}"}
        self.rules: list[str] = []
        self.groups = {f"/aws/lambda/wardgate-{name}-me", f"/aws/lambda/wardgate-{name}-of-others"}
        self.aliases = {f"alias/wardgate-{name}": "1", f"alias/wardgate-{name}-backup": "2", "alias/other": "3"}
        self.pending: set[str] = set()
        self.vault: Json = {"BackupVaultName": f"wardgate-{name}", "EncryptionKeyArn": "key-2"}
        self.points = [
            {
                "RecoveryPointArn": "point",
                "Status": "COMPLETED",
                "CreationDate": NOW - datetime.timedelta(hours=3),
                "CalculatedLifecycle": {"DeleteAt": SOON},
            }
        ]
        self.mappings = [{"ApiId": "a1b2c3", "ApiMappingId": "m"}, {"ApiId": "other", "ApiMappingId": "o"}]
        self.objects = [f"stages/{name}/live.json", "stages/development/live.json", "artifacts/a.json"]
        self.deployments: list[str] = []
        self.caller = ADMINISTRATOR
        self.log: list[Deleted] = []
        # What fails, by the operation.
        self.failing: dict[str, Exception] = {}

    @staticmethod
    def table(name: str) -> Json:
        return {
            "TableName": name,
            "TableArn": f"arn:{name}",
            "TableStatus": "ACTIVE",
            "ItemCount": 7,
            "TableSizeBytes": 900,
            "DeletionProtectionEnabled": True,
        }

    def stage(self) -> Stage:
        services = {it: getattr(self, f"client_of_{it}")() for it in SERVICES}
        made = stage(self.name, **{"lambda" if it == "functions" else it: client for it, client in services.items()})
        made.__dict__["region"] = "eu-central-1"
        return made

    def remains(self) -> Remains:
        found = Remains(self.stage())
        found.__dict__["names"] = {
            "AWS::Backup::BackupVault": {f"wardgate-{self.name}"},
            "AWS::Events::EventBus": {f"wardgate-{self.name}"},
            "AWS::KMS::Alias": {f"alias/wardgate-{self.name}", f"alias/wardgate-{self.name}-backup"},
            "AWS::Logs::LogGroup": {f"/aws/lambda/wardgate-{self.name}-me"},
            "AWS::SQS::Queue": {f"wardgate-{self.name}-mail.fifo"},
            "AWS::SecretsManager::Secret": {f"wardgate/{self.name}/signing"},
        }
        return found

    def deleting(self, operation: str, argument: str, forget: Callable[[str], object]) -> Callable[..., Json]:
        """An operation that deletes what an argument names."""

        def answer(**arguments: Json) -> Json:
            if operation in self.failing:
                return self.failing[operation]
            self.log.append((operation, argument, arguments[argument]))
            forget(arguments[argument])
            return {"DeletionDate": SOON}

        return answer

    @property
    def deleted(self) -> list[str]:
        return [what for _, _, what in self.log]

    def client_of_sts(self) -> FakeClient:
        return FakeClient(get_caller_identity=lambda: {"Arn": self.caller})

    def client_of_cloudformation(self) -> FakeClient:
        def describe(StackName: str) -> Json:  # noqa: N803  # as boto3 has it
            found = self.stacks.get(StackName)
            if found is None:
                return error("ValidationError", f"Stack with id {StackName} does not exist")
            return {"Stacks": [found]}

        delete = self.deleting("delete_stack", "StackName", self.stacks.pop)
        return FakeClient(
            describe_stacks=describe,
            delete_stack=delete,
            describe_events={"OperationEvents": []},
            describe_stack_events={"StackEvents": []},
        )

    def client_of_codedeploy(self) -> FakeClient:
        return FakeClient(
            list_applications={"applications": [f"wardgate-{self.name}-ServerlessDeploymentApplication-1"]},
            list_deployment_groups={"deploymentGroups": ["me"]},
            list_deployments=lambda **_: {"deployments": self.deployments},
        )

    def client_of_dynamodb(self) -> FakeClient:
        missing = error("ResourceNotFoundException")

        def policy(ResourceArn: str) -> Json:  # noqa: N803
            return {"Policy": self.policies[ResourceArn]} if ResourceArn in self.policies else error(NO_POLICY)

        def update(TableName: str, **changes: Json) -> Json:  # noqa: N803
            self.log.append(("update_table", "TableName", TableName))
            self.tables[TableName] |= changes

        def delete(TableName: str) -> Json:  # noqa: N803
            if self.tables[TableName]["DeletionProtectionEnabled"]:
                return error("ValidationException", "protected")
            return self.deleting("delete_table", "TableName", self.tables.pop)(TableName=TableName)

        return FakeClient(
            list_tables=lambda: {"TableNames": list(self.tables)},
            describe_table=lambda TableName: {"Table": self.tables[TableName]} if TableName in self.tables else missing,  # noqa: N803
            describe_continuous_backups={
                "ContinuousBackupsDescription": {
                    "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "ENABLED"}
                }
            },
            get_resource_policy=policy,
            update_table=update,
            delete_table=delete,
            query=lambda TableName, **_: {"Items": self.migrations} if TableName in self.tables else missing,  # noqa: N803
            list_backups=lambda **_: {
                "BackupSummaries": [
                    {
                        "TableName": it,
                        "BackupArn": f"{BACKUP}{it}",
                        "BackupType": "USER",
                        "BackupCreationDateTime": NOW - datetime.timedelta(days=2),
                    }
                    for it in self.backups
                ]
            },
            delete_backup=self.deleting(
                "delete_backup", "BackupArn", lambda it: self.backups.remove(it.removeprefix(BACKUP))
            ),
            put_item=lambda Item, **_: self.log.append(("put_item", "Item", Item["detail"]["S"])),  # noqa: N803
        )

    def client_of_secretsmanager(self) -> FakeClient:
        def delete(SecretId: str, **how: Json) -> Json:  # noqa: N803
            self.log.append(("delete_secret", ",".join(how), SecretId))
            if "ForceDeleteWithoutRecovery" in how:
                del self.secrets[SecretId]
            else:
                self.secrets[SecretId]["DeletedDate"] = SOON
            return {"DeletionDate": SOON}

        listed = lambda **_: {"SecretList": [{"Name": n, "ARN": n, **it} for n, it in self.secrets.items()]}  # noqa: E731
        return FakeClient(list_secrets=listed, delete_secret=delete)

    def client_of_sqs(self) -> FakeClient:
        def url(QueueName: str) -> Json:  # noqa: N803
            return {"QueueUrl": QueueName} if QueueName in self.queues else error("QueueDoesNotExist")

        return FakeClient(get_queue_url=url, delete_queue=self.deleting("delete_queue", "QueueUrl", self.queues.remove))

    def client_of_events(self) -> FakeClient:
        return FakeClient(
            describe_event_bus=lambda Name: {} if Name in self.buses else error("ResourceNotFoundException"),  # noqa: N803
            list_rules=lambda **_: {"Rules": [{"Name": it} for it in self.rules]},
            delete_event_bus=self.deleting("delete_event_bus", "Name", self.buses.remove),
        )

    def client_of_logs(self) -> FakeClient:
        return FakeClient(
            describe_log_groups=lambda **_: {"logGroups": [{"logGroupName": it} for it in self.groups]},
            delete_log_group=self.deleting("delete_log_group", "logGroupName", self.groups.remove),
        )

    def client_of_kms(self) -> FakeClient:
        def describe(KeyId: str) -> Json:  # noqa: N803
            state = {"KeyState": "PendingDeletion", "DeletionDate": SOON} if KeyId in self.pending else {}
            return {"KeyMetadata": {"Arn": f"key-{KeyId}", "KeyState": "Enabled", **state}}

        return FakeClient(
            list_aliases=lambda: {"Aliases": [{"AliasName": n, "TargetKeyId": it} for n, it in self.aliases.items()]},
            describe_key=describe,
            schedule_key_deletion=self.deleting("schedule_key_deletion", "KeyId", self.pending.add),
            delete_alias=self.deleting("delete_alias", "AliasName", self.aliases.pop),
        )

    def client_of_backup(self) -> FakeClient:
        return FakeClient(
            list_backup_vaults=lambda: {"BackupVaultList": [self.vault] if self.vault else []},
            list_recovery_points_by_backup_vault=lambda **_: {"RecoveryPoints": [*self.points]},
            delete_recovery_point=self.deleting(
                "delete_recovery_point", "RecoveryPointArn", lambda _: self.points.pop()
            ),
            delete_backup_vault=self.deleting("delete_backup_vault", "BackupVaultName", lambda _: self.vault.clear()),
        )

    def client_of_apigatewayv2(self) -> FakeClient:
        return FakeClient(
            get_domain_names={"Items": [{"DomainName": "auth.example.com"}]},
            get_api_mappings=lambda **_: {"Items": self.mappings},
            delete_api_mapping=self.deleting("delete_api_mapping", "ApiMappingId", lambda _: self.mappings.pop(0)),
        )

    def client_of_s3(self) -> FakeClient:
        def listed(Prefix: str, **_: Json) -> Json:  # noqa: N803
            return {"Contents": [{"Key": it} for it in self.objects if re.match(Prefix, it)]}

        def delete(Delete: Json, **_: Json) -> Json:  # noqa: N803
            for it in Delete["Objects"]:
                self.deleting("delete_objects", "Key", self.objects.remove)(**it)
            return {}

        return FakeClient(list_objects_v2=listed, delete_objects=delete)

    def client_of_iam(self) -> FakeClient:
        arn = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
        return FakeClient(list_open_id_connect_providers={"OpenIDConnectProviderList": [{"Arn": arn}]})


BACKUP = f"arn:aws:dynamodb:eu-central-1:{ACCOUNT}:table/backup-of-"
NO_POLICY = "PolicyNotFoundException"
SERVICES = [it.removeprefix("client_of_") for it in vars(Cloud) if it.startswith("client_of_")]
