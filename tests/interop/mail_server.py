"""A mail server that takes mails over STARTTLS from whoever signs in.

mail_server.py CERTIFICATE KEY USER PASSWORD: prints its port, then {"from": …, "to": …, "lines": …} for each mail.
It refuses recipients by what their address begins with, such as 550 and 450, and ends when its standard input does.
"""

import asyncio
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


class Mails:
    """Takes what nobody refuses."""

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Refuses a recipient by the code that its address begins with."""
        code = address[:3]
        if code.isdigit():
            return f"{code} <{address}> is refused"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Says what came."""
        content = envelope.original_content or b""
        mail = {"from": envelope.mail_from, "to": envelope.rcpt_tos, "lines": content.decode("ascii").split("\r\n")}
        sys.stdout.write(json.dumps(mail) + "\n")
        sys.stdout.flush()
        return "250 taken"


def main() -> None:
    """Serves until nobody wants it any more."""
    certificate, key, user, password = sys.argv[1:]
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)

    def authenticate(_server: SMTP, _session: Session, _envelope: Envelope, _how: str, data: object) -> AuthResult:
        known = LoginPassword(user.encode(), password.encode())
        # Not handled: the server itself says that it is wrong.
        return AuthResult(success=isinstance(data, LoginPassword) and data == known, handled=False)

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: SMTP(
                Mails(), tls_context=tls, require_starttls=True, auth_required=True, authenticator=authenticate
            ),
            "127.0.0.1",
            0,
        )
        sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()
        await loop.run_in_executor(None, sys.stdin.read)

    asyncio.run(serve())


if __name__ == "__main__":
    main()
