"""What the checks of `make preflight` find of mails, backups and the issuer's domain, of answers as AWS gives them."""

import datetime
from typing import ClassVar
from unittest import mock

from tests.canned import Answers, Canned, described
from tests.fakes import stage
from wardgate_infra import Json
from wardgate_infra.operate.needs import backups, domain, mail
from wardgate_infra.operate.needs.account import Account
from wardgate_infra.operate.needs.finding import Level
from wardgate_infra.operate.stage import Stage

ARN = "arn:aws:acm:eu-central-1:123456789012:certificate/6f1d2c9e"


class Sending(Canned):
    def sender(self, **found: Json) -> Account:
        answer = {"SendingEnabled": True, "ProductionAccessEnabled": True} | found
        return self.account({"sesv2": [("get_account", answer)]})

    def test_out_of_the_sandbox_is_fine(self) -> None:
        self.found(mail.sending, self.sender(), Level.OK, "out of the sandbox")

    def test_in_it_recipients_have_to_be_verified_too(self) -> None:
        parts = "recipients that are verified, too", "request production access", "within a day"
        self.found(mail.sending, self.sender(ProductionAccessEnabled=False), Level.WARNING, *parts)

    def test_what_was_asked_for_is_not_asked_for_again(self) -> None:
        for status, part in (("PENDING", "is asked for"), ("DENIED", "was denied: ask again")):
            details = {"ReviewDetails": {"Status": status}}
            account = self.sender(ProductionAccessEnabled=False, Details=details)
            self.found(mail.sending, account, Level.WARNING, part)

    def test_an_account_may_be_stopped(self) -> None:
        account = self.sender(SendingEnabled=False, EnforcementStatus="SHUTDOWN")
        self.found(mail.sending, account, Level.WARNING, "switched off", "SHUTDOWN")


class Identity(Canned):
    VERIFIED: ClassVar[Json] = {
        "IdentityType": "DOMAIN",
        "VerifiedForSendingStatus": True,
        "DkimAttributes": {"Status": "SUCCESS"},
    }

    def identity(self, answer: Json, **parameters: str) -> Account:
        account = self.account({"sesv2": [("get_email_identity", answer)]})
        account.stage.parameters.update(parameters)
        return account

    def test_a_verified_domain_or_address_sends(self) -> None:
        self.found(mail.identity, self.identity(self.VERIFIED), Level.OK, "example.com is verified")
        self.found(mail.identity, self.identity(self.VERIFIED, MailSender="it@mail.example.com"), Level.OK)
        address = {"IdentityType": "EMAIL_ADDRESS", "VerifiedForSendingStatus": True}
        account = self.identity(address, MailIdentity="no-reply@example.com")
        self.found(mail.identity, account, Level.OK)

    def test_what_is_no_identity_is_to_be_made(self) -> None:
        parts = "create-email-identity --region eu-central-1 --email-identity example.com", "72 hours"
        self.found(mail.identity, self.identity("NotFoundException"), Level.WARNING, *parts)

    def test_each_thing_that_is_wrong_is_named(self) -> None:
        pending = self.VERIFIED | {"VerifiedForSendingStatus": False, "VerificationStatus": "PENDING"}
        unsigned = self.VERIFIED | {"DkimAttributes": {"Status": "NOT_STARTED"}}
        self.found(mail.identity, self.identity(pending), Level.WARNING, "is not verified (PENDING)")
        self.found(mail.identity, self.identity(unsigned), Level.WARNING, "DKIM of example.com is NOT_STARTED")
        both = self.identity(unsigned | pending | {"DkimAttributes": unsigned["DkimAttributes"]})
        self.found(mail.identity, both, Level.WARNING, "is not verified", "DKIM")

    def test_the_sender_belongs_to_the_identity(self) -> None:
        for sender in ("It <it@example.org>", "it@notexample.com"):
            account = self.identity(self.VERIFIED, MailSender=sender)
            self.found(mail.identity, account, Level.WARNING, "is not of MailIdentity example.com")

    def test_a_configuration_set_is_the_identitys_affair(self) -> None:
        account = self.identity(self.VERIFIED | {"ConfigurationSetName": "theirs"})
        self.found(
            mail.identity, account, Level.OK, "example.com is verified, and sends through configuration set theirs"
        )

    def test_capitals_are_another_sender(self) -> None:
        """The mailer's role compares every letter."""
        account = self.identity(self.VERIFIED, MailSender="It <it@Example.com>")
        self.found(mail.identity, account, Level.WARNING, "is not of MailIdentity example.com")


class Backups(Canned):
    def settings(self, opted_in: bool | None, managed: bool | None) -> Account:
        answer = {
            "ResourceTypeOptInPreference": {} if opted_in is None else {"DynamoDB": opted_in},
            "ResourceTypeManagementPreference": {} if managed is None else {"DynamoDB": managed},
        }
        return self.account({"backup": [("describe_region_settings", answer)]})

    def test_both_settings_are_needed(self) -> None:
        opt_in, managed = (f"--resource-type-{it}-preference DynamoDB=true" for it in ("opt-in", "management"))
        self.found(backups.settings, self.settings(True, True), Level.OK)
        self.found(backups.settings, self.settings(False, True), Level.WARNING, "not opted in", f"{opt_in}. At once")
        self.found(
            backups.settings, self.settings(True, None), Level.WARNING, "copied nowhere", f"eu-central-1 {managed}"
        )
        self.found(backups.settings, self.settings(None, False), Level.WARNING, opt_in, managed)

    def copied(self, answer: Json | None = None, region: str = "eu-west-1") -> Account:
        account = self.account()
        account.stage.parameters["CopyRegion"] = region
        client = self.client("cloudformation", [("describe_stacks", answer)] if answer else [])
        there = stage(cloudformation=client)
        self.enterContext(mock.patch.object(Stage, "in_region", return_value=there))
        return account

    def test_the_vault_for_copies_is_made_by_whoever_is_no_pipeline(self) -> None:
        self.found(backups.copies, self.copied(region=""), Level.OK, "none are made")
        self.found(backups.copies, self.copied(), Level.OK, "makes their vault in eu-west-1")
        self.emulate()
        self.found(backups.copies, self.copied(), Level.OK, "one region")

    def test_a_pipeline_finds_it_or_not(self) -> None:
        with mock.patch.dict("os.environ", {"CLOUDFORMATION_ROLE": "arn:it"}):
            self.found(backups.copies, self.copied(described("it")), Level.OK, "their vault is in eu-west-1")
            gone = self.copied(described("it", "ROLLBACK_COMPLETE"))
            self.found(backups.copies, gone, Level.WARNING, "wardgate-staging-backup-copy", "as an administrator")


class Domain(Canned):
    HOST = "auth.example.com"
    API = "https://a1b2c3.execute-api.eu-central-1.amazonaws.com"
    NAME: ClassVar[Json] = {
        "DomainNameConfigurations": [
            {"DomainNameStatus": "AVAILABLE", "CertificateArn": ARN, "ApiGatewayDomainName": "d-1"}
        ]
    }
    ZONES: ClassVar[Json] = {"Marker": "", "IsTruncated": False, "MaxItems": "100"}

    def named(self, names: Answers, acm: Answers, *, route53: Answers, stack: Json = None) -> Account:
        """An account whose stage has an issuer of its own, with what API Gateway and ACM say of it."""
        formation: Answers = [("describe_stacks", stack)] if stack else []
        answers = {"apigatewayv2": names, "acm": acm, "route53": route53, "cloudformation": formation}
        return self.issued(f"https://{self.HOST}", answers)

    def issued(self, issuer: str, answers: dict[str, Answers] | None = None) -> Account:
        account = self.account(answers)
        account.stage.parameters["Issuer"] = issuer
        return account

    def zones(self, *names: str) -> Answers:
        zones = [{"Id": it, "Name": f"{it}.", "CallerReference": it} for it in names]
        return [("list_hosted_zones", {**self.ZONES, "HostedZones": zones})]

    def certificate(self, days: int = 300, **changed: Json) -> Answers:
        ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)
        found = {"Status": "ISSUED", "SubjectAlternativeNames": [self.HOST], "NotAfter": ends}
        return [("describe_certificate", {"Certificate": found | changed})]

    def test_the_apis_own_address_needs_nothing(self) -> None:
        self.found(domain.issuer, self.issued(""), Level.OK, "own execute-api address")
        self.found(domain.issuer, self.issued(self.API), Level.OK, "own execute-api address")

    def test_a_name_that_leads_to_the_api_is_fine(self) -> None:
        wrong = ["is not mapped to the API a1b2c3", "zone example.com of Route 53", "has to lead to d-1"]
        for mapped, level, parts in (("a1b2c3", Level.OK, ["leads to the API"]), ("other", Level.WARNING, wrong)):
            made = described("wardgate-staging", ApiUrl=self.API)
            names: Answers = [
                ("get_domain_name", self.NAME),
                ("get_api_mappings", {"Items": [{"ApiId": mapped, "Stage": "$default"}]}),
            ]
            # A hint is only looked for where something is wrong.
            zones = self.zones("example.com", "com", "uth.example.com") if level is Level.WARNING else []
            account = self.named(names, self.certificate(), route53=zones, stack=made)
            account.__dict__["has_stage"] = True
            self.found(domain.issuer, account, level, *parts)

    def test_its_certificate_is_issued_covers_it_and_lasts(self) -> None:
        other, good = ["*.auth.example.com", "*.com"], ["*.example.com"]
        for acm, level, part in (
            (self.certificate(Status="PENDING_VALIDATION"), Level.WARNING, "is PENDING_VALIDATION"),
            (self.certificate(SubjectAlternativeNames=other), Level.WARNING, "does not cover"),
            (self.certificate(days=29), Level.WARNING, "its renewal is not under way"),
            (self.certificate(days=31, SubjectAlternativeNames=good), Level.OK, "mapped to the API after the first"),
        ):
            names: Answers = [("get_domain_name", self.NAME)]
            zones = self.zones() if level is Level.WARNING else []
            account = self.named(names, acm, route53=zones, stack=described("it"))
            self.found(domain.issuer, account, level, part)

    def test_a_name_that_is_not_there_says_what_to_make_it_of(self) -> None:
        def listed(status: str, *names: str) -> Json:
            summary = {"CertificateArn": ARN, "Status": status}
            return {"CertificateSummaryList": [{**summary, "SubjectAlternativeNameSummaries": list(names)}]}

        for answer, parts in (
            (listed("ISSUED", "*.example.com"), [f"certificate is there: {ARN}", "custom domain name"]),
            (listed("PENDING_VALIDATION", self.HOST), ["is PENDING_VALIDATION", "request a public certificate"]),
            (listed("ISSUED", "example.com"), ["request a public certificate for auth.example.com", "72 hours"]),
        ):
            names: Answers = [("get_domain_name", "NotFoundException")]
            # Whoever may not see the zones gets a hint that is true everywhere.
            zones: Answers = [("list_hosted_zones", "AccessDenied")]
            account = self.named(names, [("list_certificates", answer)], route53=zones)
            self.found(domain.issuer, account, Level.WARNING, *parts, "a CNAME where its DNS is kept")

    def test_behind_an_edge_both_names_need_a_certificate_and_a_record(self) -> None:
        edge = {"Edge": "on", "OriginDomain": "origin.example.com"}
        arns = {"EdgeCertificateArn": ARN.replace("eu-central-1", "us-east-1"), "OriginCertificateArn": ARN}
        both = ["auth.example.com", "origin.example.com"]

        def asked(acm: Answers, stacks: Answers, **parameters: str) -> Account:
            account = self.issued(f"https://{self.HOST}", {"acm": acm, "cloudformation": stacks})
            account.stage.parameters.update(edge | parameters)
            self.enterContext(mock.patch.object(Stage, "in_region", return_value=account.stage))
            return account

        good = self.certificate(SubjectAlternativeNames=both) * 2
        made: Answers = [
            ("describe_stacks", described("it", DistributionDomain="d.cloudfront.net")),
            ("describe_stacks", described("it", OriginTarget="d-1")),
        ]
        parts = "auth.example.com to d.cloudfront.net", "origin.example.com to d-1"
        self.found(domain.issuer, asked(good, made, **arns), Level.OK, *parts)
        other = self.certificate(SubjectAlternativeNames=both) + self.certificate()
        self.found(domain.issuer, asked(other, [], **arns), Level.WARNING, "does not cover origin.example.com")
        missing = asked([], [], EdgeCertificateArn="", OriginCertificateArn="")
        self.found(domain.issuer, missing, Level.WARNING, "auth.example.com has no certificate", "In ACM: us-east-1")
