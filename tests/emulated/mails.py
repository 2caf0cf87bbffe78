"""Mails as SES took them: the emulator keeps what it would send."""

import contextlib
import email.utils
import http.client
import json
import re
import urllib.parse

from emulated.gateway import CANARIES, matched, wait_for
from wardgate_infra import Json

# A code stands on a line of its own.
CODE = r"(?m)^([0-9A-Z]{8})$"


class Mailbox:
    """Every mailbox there is. A mail is taken once, so that a second of its kind is a new one."""

    def __init__(self, endpoint: str, sender: str, origin: str) -> None:
        self.netloc = urllib.parse.urlsplit(endpoint).netloc
        self.sender = email.utils.parseaddr(sender)
        # What the links in mails begin with: the issuer, where API Gateway would answer.
        self.origin = origin
        self.taken: set[str] = set()

    def sent(self, to: str) -> list[Json]:
        """All mails to an address, oldest first."""
        connection = http.client.HTTPConnection(self.netloc, timeout=60)
        with contextlib.closing(connection):
            connection.request("GET", "/_ministack/ses/messages")
            captured = json.load(connection.getresponse())["messages"]
        # Every stage sends by the same service.
        mails = [
            mail
            for account in captured.values()
            for mail in account
            if email.utils.parseaddr(mail["Source"]) == self.sender
        ]
        mails = [mail for mail in mails if mail["To"] == [to]]
        return sorted(mails, key=lambda mail: mail["Timestamp"])

    def mail(self, to: str, has: str) -> tuple[Json, re.Match[str]]:
        """The next mail to an address with a pattern in its text, and the pattern's match."""

        def found() -> tuple[Json, re.Match[str]] | None:
            for mail in self.sent(to):
                # A mail has the line ends of the network.
                match = re.search(has, mail["BodyText"].replace("\r\n", "\n"))
                if match and mail["MessageId"] not in self.taken:
                    self.taken.add(mail["MessageId"])
                    return mail, match
            return None

        return wait_for(found, f"a mail with {has} from {self.sender[1]}")

    def token(self, to: str, page: str) -> str:
        """The token of the next link to a page."""
        _, match = self.mail(to, rf"(?m)^{re.escape(self.origin)}/ui/{page}\?token=(\S+)$")
        CANARIES.add(match[1])
        return match[1]

    def code(self, to: str) -> str:
        """The next code: eight digits to verify an address, eight characters to sign in."""
        _, match = self.mail(to, CODE)
        return self.typed(match)

    def code_beside(self, to: str, token: str) -> str:
        """The code of the mail whose link has this token."""
        texts = [mail["BodyText"].replace("\r\n", "\n") for mail in self.sent(to)]
        return self.typed(next(matched(CODE, text) for text in texts if token in text))

    @staticmethod
    def typed(match: re.Match[str]) -> str:
        # Eight digits stand in a log by chance.
        if not match[1].isdigit():
            CANARIES.add(match[1])
        return match[1]
