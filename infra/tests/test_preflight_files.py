"""What `make preflight` finds in a stage's parameters, and where templates ask what AWS does not change."""

import json
from typing import ClassVar
from unittest import mock

from tests.canned import Answers, Canned, described, stack
from tests.fakes import stage
from wardgate_infra import Failed, Json, validate
from wardgate_infra.operate import pipeline, stacks
from wardgate_infra.operate.needs import placeholders, routes
from wardgate_infra.operate.needs.account import Account
from wardgate_infra.operate.needs.finding import Level
from wardgate_infra.operate.stage import Stage

OWN = {
    "Issuer": "https://auth.acme.eu",
    "Audience": "https://api.my-example.com",
    "AllowedOrigins": "https://app.example.com.br,https://notexample.org",
    "MailSender": "Acme <no-reply@auth.acme.eu>",
    "MailIdentity": "auth.acme.eu",
    "WarnEmail": "",
    "Repository": "acme@1/wardgate@2",
    "RunbookUrl": "https://github.com/acme/wardgate/blob/main/docs/operations/runbook.md",
}


class Placeholders(Canned):
    def given(self, name: str = "staging", **parameters: str) -> Account:
        made = stage(name)
        made.parameters.update(OWN | parameters)
        return Account(made)

    def test_what_is_a_stages_own_is_fine(self) -> None:
        self.found(placeholders.left, self.given(), Level.OK, "infra/staging/parameters.yaml has none")
        self.found(placeholders.left, self.given(Issuer="", MailSender="", MailIdentity=""), Level.OK)

    def test_an_address_that_nobody_can_have_stops_a_deploy(self) -> None:
        for parameter, value in (
            ("Issuer", "https://auth.staging.example.com"),
            ("Audience", "https://example.org/api"),
            ("AllowedOrigins", "https://app.acme.eu,https://app.example.net:8443"),
            ("MailSender", "Wardgate <no-reply@auth.example.com>"),
            ("MailIdentity", "auth.example"),
            ("PageEmail", "somebody@example.com"),
        ):
            account = self.given("production", **{parameter: value})
            self.found(placeholders.left, account, Level.MISSING, f"{parameter} {value}", "infra/production/parameters")

    def test_the_emulator_takes_them(self) -> None:
        self.emulate()
        self.found(placeholders.left, self.given(Issuer="https://example.com"), Level.WARNING, "Issuer")

    def test_the_repository_and_the_runbook_are_warned_of(self) -> None:
        for repository in ("example/wardgate", "example@1/wardgate@2", ""):
            self.found(placeholders.left, self.given(Repository=repository), Level.WARNING, "make pipeline refuses")
        self.found(placeholders.left, self.given(Repository="example/auth"), Level.OK)
        for url in ("docs/operations/runbook.md", "", "http://wiki/runbook"):
            self.found(placeholders.left, self.given(RunbookUrl=url), Level.WARNING, "leads nowhere")

    def test_a_sandbox_of_ones_own_may_be_anything(self) -> None:
        account = self.given("development", Issuer="https://example.com", Repository="", RunbookUrl="")
        self.found(placeholders.left, account, Level.OK)

    def test_what_the_repository_comes_with_is_found(self) -> None:
        """Or somebody would deploy it without a word."""
        for name in ("staging", "production"):
            made = Stage(name)
            ours = set(made.parameters) & {*placeholders.ADDRESSES, "Repository", "RunbookUrl"}
            # Whoever has replaced them has nothing to hold here.
            if placeholders.is_nobodys(made.parameters["Repository"]):
                self.assertEqual(placeholders.left(Account(made)).level, Level.MISSING, name)
            self.assertEqual(ours, {*placeholders.ADDRESSES, "Repository", "RunbookUrl"}, name)
        default = validate.read("infra/pipeline.yaml")["Parameters"]["Repository"]["Default"]
        self.assertEqual(default, placeholders.REPOSITORY)

    def test_nobody_becomes_the_deploy_role_by_the_name_that_the_repository_comes_with(self) -> None:
        options = mock.Mock(parameters="", yes=True)
        for name, parameters in (("staging", {"Repository": "example/wardgate"}), ("development", {})):
            made = stage(name)
            made.parameters.update(parameters)
            with (
                mock.patch.object(stacks, "deploy") as deployed,
                self.assertRaisesRegex(Failed, "whoever has that name on GitHub could deploy to " + name),
            ):
                pipeline.run(made, options)
            self.assertFalse(deployed.called)


class Routes(Canned):
    API = "https://a1b2c3.execute-api.eu-central-1.amazonaws.com"
    THROTTLE: ClassVar[Json] = {"ThrottlingRateLimit": 1}

    def template(self, *settings: str) -> Json:
        made = {"Type": routes.KIND, "Properties": {"RouteSettings": dict.fromkeys(settings, self.THROTTLE)}}
        others = {"Other": {"Type": "AWS::SQS::Queue", "Properties": {}}}
        return {"TemplateBody": json.dumps({"Resources": {"Api": made, **others}})}

    def account_of(self, deployed: Json, kept: list[str] | None = None) -> Account:
        """One where this is deployed, API Gateway keeps these settings, and the new template has two routes."""
        formation: Answers = [("get_template", deployed)]
        answers = {"cloudformation": formation}
        if kept is not None:
            formation.append(("describe_stacks", described("wardgate-staging", ApiUrl=self.API)))
            answers["apigatewayv2"] = [("get_stage", {"RouteSettings": dict.fromkeys(kept, self.THROTTLE)})]
        paths: Json = {"/v1/login": {"post": {}, "get": {}}, "/any": {"x-amazon-apigateway-any-method": {}}}
        made = stack(None, "wardgate-staging", ("Api", routes.KIND, {"DefinitionBody": {"paths": paths}}))
        return self.account(answers, [stack(None, "other"), made], has_stage=True)

    def test_what_stays_a_route_keeps_its_settings(self) -> None:
        account = self.account_of(self.template("POST /v1/login", "ANY /any"))
        self.found(routes.settings, account, Level.OK, "each of 2 is a route still")
        as_yaml = {"TemplateBody": "Resources:\n  Other:\n    Type: AWS::SQS::Queue\n"}
        self.found(routes.settings, self.account_of(as_yaml), Level.OK, "each of 0")

    def test_what_is_renamed_has_to_lose_them_first(self) -> None:
        account = self.account_of(self.template("POST /v1/old", "POST /v1/login"), ["POST /v1/old", "POST /v1/login"])
        command = "delete-route-settings --region eu-central-1 --api-id a1b2c3 --stage-name '$default' --route-key"
        self.found(routes.settings, account, Level.MISSING, "POST /v1/old would go", f"{command} 'POST /v1/old'")
        self.assertNotIn("POST /v1/login", routes.delete(account.stage, "a1b2c3", ["POST /v1/old"])[0])

    def test_what_has_lost_them_already_is_fine(self) -> None:
        account = self.account_of(self.template("POST /v1/old"), ["POST /v1/login"])
        self.found(routes.settings, account, Level.OK, "are taken away")

    def test_before_the_first_deploy_there_are_none(self) -> None:
        self.found(routes.settings, self.account(), Level.OK, "before the first deploy")

    def test_the_templates_own_settings_are_of_its_routes(self) -> None:
        [api] = routes.apis(validate.read("template.yaml"))
        self.assertEqual(set(api["RouteSettings"]) - set(routes.routes_of(api)), set())
        self.assertGreater(len(api["RouteSettings"]), 3)


class Exports(Canned):
    """CloudFormation changes no export that a stack imports: the deploy of the data stack would fail. So what is
    exported is what does not change: names, and what AWS makes once."""

    def test_a_streams_arn_is_made_once(self) -> None:
        """Another view, or none for a while, is another stream. A table with other images is a new table, to which a
        restore switches (`TableStreamArn`)."""
        made = validate.read("infra/data.yaml")["Resources"]
        for name in ("Table", "AuditTable"):
            self.assertEqual(made[name]["Properties"]["StreamSpecification"], {"StreamViewType": "NEW_AND_OLD_IMAGES"})

    def test_each_export_is_a_name_or_made_once(self) -> None:
        exported = [it for it in validate.read("infra/data.yaml")["Outputs"].values() if "Export" in it]
        # A table's stream, and a key, are kept as long as their resource is; the others follow from fixed names.
        made_once = {"Key.Arn", "Table.StreamArn", "AuditTable.StreamArn"}
        named = {"MailQueue", "MailQueue.Arn", "EventsFailedQueue.Arn", "AuditWatchFailedQueue.Arn", "EventBus.Arn"}
        named |= {"SecretReadsQueue", "SecretReadsQueue.Arn"}
        found = {it["Value"].get("Ref") or ".".join([*it["Value"]["Fn::GetAtt"]]) for it in exported}
        self.assertEqual(found, made_once | named)
