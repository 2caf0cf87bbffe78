"""Checks of SES: a deploy goes through without it, and nobody gets a mail."""

import email.utils

from botocore.exceptions import ClientError

from wardgate_infra.operate.needs.account import Account
from wardgate_infra.operate.needs.finding import Finding, Level, code
from wardgate_infra.operate.stage import Stage


def sending(account: Account) -> Finding:
    """SES's account"""
    stage = account.stage
    found = stage.client("sesv2").get_account()
    if not found["SendingEnabled"]:
        text = f"sending is switched off in {stage.region}: {found.get('EnforcementStatus', 'no reason is given')}"
        advice = "The SES console, Account dashboard, says why. AWS answers what is asked there within a day or two."
        return Finding(Level.WARNING, text, advice)
    if found["ProductionAccessEnabled"]:
        return Finding(Level.OK, f"out of the sandbox in {stage.region}")
    review = found.get("Details", {}).get("ReviewDetails", {}).get("Status")
    asked = {"PENDING": "Production access is asked for.", "DENIED": "Production access was denied: ask again."}
    first = asked.get(review, "In the SES console, Account dashboard, request production access.")
    return Finding(
        Level.WARNING,
        f"in the sandbox of {stage.region}: only recipients that are verified, too, get mail, 200 a day",
        f"{first} AWS answers within a day. Until then verify each address that is to get mail: {verify(stage)} "
        "<address>, and the link in the mail that it gets.",
    )


def verify(stage: Stage) -> str:
    return f"aws sesv2 create-email-identity --region {stage.region} --email-identity"


def identity(account: Account) -> Finding:
    """SES's sender"""
    stage = account.stage
    name, sender = stage.parameters["MailIdentity"], stage.parameters["MailSender"]
    try:
        found = stage.client("sesv2").get_email_identity(EmailIdentity=name)
    except ClientError as error:
        if code(error) != "NotFoundException":
            raise
        return Finding(
            Level.WARNING,
            f"MailIdentity {name} is no identity in {stage.region}: no mail is sent",
            f"{verify(stage)} {name}, and the DNS records that it answers with; for an address, the link in the mail "
            "that it gets. Minutes, at most 72 hours.",
        )
    wrong = []
    if not found["VerifiedForSendingStatus"]:
        wrong.append(f"{name} is not verified ({found.get('VerificationStatus', 'no status')}): no mail is sent")
    dkim = found.get("DkimAttributes", {})
    if found["IdentityType"] == "DOMAIN" and dkim.get("Status") != "SUCCESS":
        wrong.append(f"DKIM of {name} is {dkim.get('Status', 'not set up')}: mails are taken for spam")
    address = email.utils.parseaddr(sender)[1]
    if address and address != name and not f".{address.partition('@')[2]}".endswith(f".{name}"):
        wrong.append(f"MailSender {address} is not of MailIdentity {name}: the mailer's role may not send from it")
    if not wrong:
        configuration_set = found.get("ConfigurationSetName")
        through = f", and sends through configuration set {configuration_set}" if configuration_set else ""
        return Finding(Level.OK, f"{name} is verified{through}")
    return Finding(
        Level.WARNING,
        "; ".join(wrong),
        f"aws sesv2 get-email-identity --region {stage.region} --email-identity {name} has the DNS records that are "
        "wanted. AWS finds them within minutes, at most 72 hours.",
    )
