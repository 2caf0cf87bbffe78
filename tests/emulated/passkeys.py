"""Passkeys of an authenticator in software: on P-256, as a manager keeps them in step."""

import hashlib
import json
import secrets
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from emulated.gateway import PASSWORD, Api, claims, encoded, equal, remembered
from emulated.pages import Browser
from wardgate_infra import Json
from wardgate_infra.emulator.deployment import Deployment

# Somebody was there, it was the authenticator's user, and the passkey can be and is on several devices.
FLAGS = 0x01 | 0x04 | 0x08 | 0x10
MADE = 0x40


class Authenticator:
    """What a page at this origin gets to see of it."""

    def __init__(self, origin: str) -> None:
        self.origin, self.key, self.id = origin, ec.generate_private_key(ec.SECP256R1()), secrets.token_bytes(20)
        # Whose passkey it is, once it is made.
        self.handle = ""

    def create(self, options: Json) -> Json:
        """As `navigator.credentials.create` answers, by `toJSON()`."""
        self.handle = options["user"]["id"]
        numbers = self.key.public_key().public_numbers()
        x, y = (it.to_bytes(32, "big") for it in (numbers.x, numbers.y))
        # A COSE key: kty EC2, alg ES256, crv P-256.
        public_key = b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20" + x + b"\x22\x58\x20" + y
        made = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + public_key
        data = self.data(options["rp"]["id"], FLAGS | MADE) + made
        attestation = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58" + bytes([len(data)]) + data
        response = {"attestationObject": encoded(attestation), "transports": ["internal"]}
        return self.answer("webauthn.create", options, response)

    def get(self, options: Json) -> Json:
        """As `navigator.credentials.get` answers, by `toJSON()`."""
        data = self.data(options["rpId"], FLAGS)
        client = self.client_data("webauthn.get", options)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        response = {"authenticatorData": encoded(data), "signature": encoded(signature), "userHandle": self.handle}
        return self.answer("webauthn.get", options, response)

    def data(self, rp_id: str, flags: int) -> bytes:
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + bytes(4)

    def client_data(self, kind: str, options: Json) -> bytes:
        return json.dumps({"type": kind, "challenge": options["challenge"], "origin": self.origin}).encode()

    def answer(self, kind: str, options: Json, response: Json) -> Json:
        response["clientDataJSON"] = encoded(self.client_data(kind, options))
        return {"id": encoded(self.id), "rawId": encoded(self.id), "type": "public-key", "response": response}


def check_passkeys(api: Api, emulator: Deployment) -> None:
    """A passkey is registered, renamed, shown as second step, alone, at a step-up and in place of a password, and is
    removed, by each role."""
    email = "passkey@example.com"
    bearer = api.signed_in(email)["access_token"]
    issuer = urlsplit(emulator.parameters["Issuer"])
    authenticator = Authenticator(f"{issuer.scheme}://{issuer.netloc}")
    asked = api.ask("POST", "/v1/passkeys/registration/options", bearer=bearer)
    equal(asked.status, 200)
    body = {"credential": authenticator.create(asked.json["publicKey"]), "name": "Phone"}
    added = api.ask("POST", "/v1/passkeys/registration", body, bearer=bearer)
    equal((added.status, len(added.json.get("recovery_codes", []))), (201, 10))
    path = f"/v1/passkeys/{added.json['passkey']['id']}"
    equal(api.ask("PATCH", path, {"name": "Blue key"}, bearer=bearer).json.get("name"), "Blue key")

    waiting = api.ask("POST", "/v1/login", {"email": email, "password": PASSWORD}).json
    equal((waiting["status"], waiting["methods"]), ("mfa_required", ["passkey", "recovery_code"]))
    asked = api.ask("POST", "/v1/login/mfa/options", {"mfa_token": waiting["mfa_token"]})
    equal(asked.status, 200)
    credential = authenticator.get(asked.json["publicKey"])
    shown = {"mfa_token": waiting["mfa_token"], "method": "passkey", "credential": credential}
    signed_in = api.ask("POST", "/v1/login/mfa", shown)
    equal(signed_in.status, 200)
    equal(claims(remembered(signed_in.json)["access_token"])["acr"], "phr")
    api.ask("POST", "/v1/login/mfa", shown).refuses(401, "invalid_token")

    asked = api.ask("POST", "/v1/passkeys/login/options")
    body = {"credential": authenticator.get(asked.json["publicKey"])}
    alone = api.ask("POST", "/v1/passkeys/login", body)
    equal(claims(remembered(alone.json)["access_token"])["amr"], ["pop", "user", "mfa"])
    api.ask("POST", "/v1/passkeys/login", body).refuses(401, "invalid_passkey")
    browser = Browser(api)
    page = browser.ask("GET", "/ui/login").is_ok()
    asked = api.ask("POST", "/v1/passkeys/login/options")
    signed = json.dumps(authenticator.get(asked.json["publicKey"]))
    browser.press(page, "/ui/passkey", credential=signed).is_ok()
    browser.ask("GET", "/ui/account/second-factor").is_ok()

    asked = api.ask("POST", "/v1/step-up/options", bearer=bearer)
    credential = authenticator.get(asked.json["passkey"]["publicKey"])
    shown = {"password": PASSWORD, "method": "passkey", "credential": credential}
    equal(api.ask("POST", "/v1/step-up", shown, bearer=bearer).json.get("acr"), "phr")
    api.ask("POST", "/v1/step-up", shown, bearer=bearer).refuses(401, "invalid_second_factor")

    # Backed up, it can stand in the password's place.
    equal(api.ask("DELETE", "/v1/password", bearer=bearer).status, 204)
    api.ask("POST", "/v1/login", {"email": email, "password": PASSWORD}).refuses(401, "invalid_credentials")
    api.ask("DELETE", path, bearer=bearer).refuses(409, "last_sign_in_method")
    asked = api.ask("POST", "/v1/step-up/options", bearer=bearer)
    credential = authenticator.get(asked.json["passkey"]["publicKey"])
    shown = {"method": "passkey", "credential": credential}
    equal(api.ask("POST", "/v1/step-up", shown, bearer=bearer).json.get("acr"), "phr")
    api.ask("POST", "/v1/email/change", {"new_email": f"moved-{email}"}, bearer=bearer).is_ok(202)
    api.ask("POST", "/v1/password/change", {"new_password": PASSWORD}, bearer=bearer).is_ok()
    equal(api.ask("DELETE", path, bearer=bearer).status, 204)
    equal(api.ask("GET", "/v1/mfa", bearer=bearer).json["passkeys"], [])
