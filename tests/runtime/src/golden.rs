//! The golden events of `events/`, and the responses that stand beside them.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use regex_lite::Regex;
use serde_json::{Value, json};

use crate::authenticator::Authenticator;
use crate::binaries::repository;
use crate::phone_app::PhoneApp;

/// What the responses were given under, besides stage development.
pub const SETTINGS: [(&str, &str); 4] = [
    // No event waits for days.
    ("AUTH__ACCOUNTS__FACTOR_LOSS_DELAY_SECONDS", "0"),
    ("AUTH__AUTHORIZER__AUDIENCE", "https://api.example.com"),
    ("AUTH__TOKENS__AUDIENCE", "https://api.example.com"),
    ("AUTH__TOKENS__ISSUER", "https://auth.example.com"),
];

/// What differs each time, by its shape, and what stands for it. New endpoints speak of the same things.
const RULES: [(&str, &str); 12] = [
    (r"\beyJ[\w-]+\.[\w-]+\.[\w-]+", "<JWT>"),
    (r"\b([a-z]{2})_[\w-]+\.[\w-]+\.[\w-]+", "<$1 token>"),
    (r"\b([a-z]{3})_[0-9a-hjkmnp-tv-z]{26}\b", "<$1 id>"),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<time>"),
    (r"\b[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", "<time>"),
    (r"secret=[A-Z2-7]{32}&", "secret=<base32>&"),
    (r"^[A-Z2-7]{32}$", "<base32>"),
    (r"^([0-9A-HJKMNP-TV-Z]{4}-){5}[0-9A-HJKMNP-TV-Z]{4}$", "<recovery code>"),
    (r#"viewBox="0 0 \d+ \d+"(.*)fill="\#000" d="[^"]*""#, "viewBox=<size>$1<modules>"),
    (r"^[\w-]{43,}$", "<base64url>"),
    // An id of these years, as authenticators know a user by it.
    (r"^A[Za-f][\w-]{20}$", "<128 bits>"),
    (r"^__Host-wardgate-browser=[\w-]{22}", "__Host-wardgate-browser=<128 bits>"),
];

/// Functions that pass on what they get, or whose work is elsewhere: there is no response without a queue, somebody who sends
/// mails, Secrets Manager, other functions, an edge's list, or a restored table. `tests/outbound.rs`, `tests/rotation/`,
/// `tests/edge_sync.rs` and `tests/smoke.rs` have stand-ins for the others, `tests/restored.rs` makes the table.
pub const PASS_ON: [&str; 7] =
    ["edge-sync", "events", "logout-notifier", "mailer", "restore-sweep", "rotate-keys", "smoke"];

/// A link that is mailed. Its placeholder in events stands for its token.
struct Link {
    placeholder: &'static str,
    /// The events that bring it about, after the sign-in.
    after: &'static [&'static str],
    to: &'static str,
}

/// Stands for the code that an application gets, after `page-login/ok`, for `authorize/ok`.
const AUTHORIZATION_CODE: &str = "${AUTHORIZATION_CODE}";
/// Stands for the access token that it gets for the code, by `token/ok`.
const CLIENT_ACCESS_TOKEN: &str = "${CLIENT_ACCESS_TOKEN}";

/// Stand for the access token of who has shown that the address is theirs; for what an enrolment answers to that, and the app's
/// first code; for the access token of who has a second factor; for what a sign-in answers then, and a recovery code.
const VERIFIED: &str = "${VERIFIED_ACCESS_TOKEN}";
const ENROLMENT: &str = "${ENROLMENT_TOKEN}";
const TOTP: &str = "${TOTP}";
const STRONG: &str = "${SECOND_FACTOR_ACCESS_TOKEN}";
const WAITING: &str = "${MFA_TOKEN}";
const RECOVERY_CODE: &str = "${RECOVERY_CODE}";
/// Stand for what an authenticator makes, for the access token of who has registered it, and for its passkey's id; and for what a
/// sign-in answers then.
const CREDENTIAL: &str = "${PASSKEY_CREDENTIAL}";
const WITH_PASSKEY: &str = "${PASSKEY_ACCESS_TOKEN}";
const PASSKEY: &str = "${PASSKEY_ID}";
const WAITING_FOR_PASSKEY: &str = "${PASSKEY_MFA_TOKEN}";
/// Stand for what it has signed for a sign-in without anything else: within JSON, and within a form.
const SIGNED: &str = "${PASSKEY_SIGNED}";
const SIGNED_FORM: &str = "${PASSKEY_SIGNED_FORM}";
/// Stands for the link of the mail that takes lost factors away.
const REMOVAL: &str = "${REMOVE_FACTORS_LINK}";

/// Stands for the code of the mail whose link an event has as well.
const CODE: &str = "${CODE}";
const EMAIL: &str = "ada@example.com";
/// What `email-change/ok` asks for.
const NEW_EMAIL: &str = "ada@new.example.com";

const LINKS: [Link; 8] = [
    Link { placeholder: "${VERIFICATION_LINK}", after: &[], to: EMAIL },
    // Codes are for verified addresses.
    Link { placeholder: "${SIGN_IN_LINK}", after: &["email-verify/ok", "login-email-code/ok"], to: EMAIL },
    Link { placeholder: "${RESET_LINK}", after: &["password-forgot/ok"], to: EMAIL },
    Link { placeholder: "${CHANGE_LINK}", after: &["email-change/ok"], to: NEW_EMAIL },
    Link { placeholder: "${UNDO_LINK}", after: &["email-change-confirm/ok"], to: EMAIL },
    Link { placeholder: "${FACTOR_UNDO_LINK}", after: &["mfa-totp-confirm/ok"], to: EMAIL },
    Link { placeholder: "${KEEP_FACTORS_LINK}", after: &["login-mfa-lost/ok"], to: EMAIL },
    Link { placeholder: "${KEEP_LINK}", after: &["me-delete/ok"], to: EMAIL },
];

/// `events/<function>/<case>.json`.
pub struct Case {
    /// `<function>/<case>`.
    pub name: String,
    /// The event, with placeholders.
    pub event: String,
}

/// Every event of a function, in order.
pub fn cases(function: &str) -> Vec<Case> {
    let (events, _) = files(function);
    events.into_iter().map(|name| Case { event: event(&name), name }).collect()
}

/// The names of a function's events, and of its responses.
pub fn files(function: &str) -> (Vec<String>, Vec<String>) {
    let (mut events, mut responses) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(repository().join("events").join(function)).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let name = file.strip_suffix(".json").unwrap_or_else(|| panic!("events/{function}/{file} is no event"));
        match name.strip_suffix(".response") {
            Some(name) => responses.push(format!("{function}/{name}")),
            None => events.push(format!("{function}/{name}")),
        }
    }
    events.sort();
    responses.sort();
    (events, responses)
}

/// The event `<function>/<case>`.
pub fn event(name: &str) -> String {
    std::fs::read_to_string(repository().join(format!("events/{name}.json"))).unwrap()
}

/// The response to the event `<function>/<case>`.
pub fn response(name: &str) -> Value {
    let text = std::fs::read_to_string(repository().join(format!("events/{name}.response.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The event that registers the user whom `login/ok` signs in.
pub fn registration() -> String {
    let mut register: Value = serde_json::from_str(&event("register/ok")).unwrap();
    let login: Value = serde_json::from_str(&event("login/ok")).unwrap();
    // The same members: an address and a password.
    register["body"] = login["body"].clone();
    register.to_string()
}

/// What a sign-in gave.
pub struct SignedIn {
    access_token: String,
    refresh_token: String,
    session_id: String,
}

impl SignedIn {
    /// Reads the answer to `login/ok`.
    pub fn of(answer: &Value) -> Self {
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        let member = |name: &str| body[name].as_str().unwrap_or_else(|| panic!("no {name} in {body}")).to_owned();
        Self {
            access_token: member("access_token"),
            refresh_token: member("refresh_token"),
            session_id: member("session_id"),
        }
    }

    /// Puts the tokens where an event has their names.
    pub fn fill(&self, event: &str) -> String {
        event
            .replace("${ACCESS_TOKEN}", &self.access_token)
            .replace("${REFRESH_TOKEN}", &self.refresh_token)
            .replace("${SESSION_ID}", &self.session_id)
    }

    /// As [`Self::fill`], with mailed links, too: brings them about by `answer`, which gives a function an event, and
    /// takes them out of the text that `newest_mail` has for an address.
    pub async fn fill_with_links(
        &self,
        event: &str,
        answer: &impl AsyncFn(&str, String) -> Value,
        newest_mail: &impl AsyncFn(&str) -> String,
    ) -> String {
        let mut filled = self.fill(event);
        if filled.contains(AUTHORIZATION_CODE) {
            filled = filled.replace(AUTHORIZATION_CODE, &authorization_code(answer).await);
        }
        if filled.contains(CLIENT_ACCESS_TOKEN) {
            let exchange = self::event("token/ok").replace(AUTHORIZATION_CODE, &authorization_code(answer).await);
            let answered = answer("token", exchange).await;
            let body: Value = serde_json::from_str(answered["body"].as_str().unwrap()).unwrap();
            filled = filled.replace(CLIENT_ACCESS_TOKEN, body["access_token"].as_str().unwrap());
        }
        if [CREDENTIAL, WITH_PASSKEY, WAITING_FOR_PASSKEY, SIGNED, SIGNED_FORM].iter().any(|it| filled.contains(it)) {
            filled = Box::pin(self.fill_passkey(filled, answer, newest_mail)).await;
        }
        if [VERIFIED, STRONG, WAITING].iter().any(|it| filled.contains(it)) {
            filled = Box::pin(self.fill_second_factor(filled, answer, newest_mail)).await;
        }
        if filled.contains(REMOVAL) {
            // Said twice, with the same first step.
            let lost = Box::pin(self.fill_with_links(&self::event("login-mfa-lost/ok"), answer, newest_mail)).await;
            for _ in 0..2 {
                answer("login-mfa-lost", lost.clone()).await;
            }
            filled = filled.replace(REMOVAL, &link_token(&newest_mail(EMAIL).await));
        }
        for link in LINKS.iter().filter(|link| event.contains(link.placeholder)) {
            for name in link.after {
                let before = Box::pin(self.fill_with_links(&self::event(name), answer, newest_mail)).await;
                let answered = answer(name.split('/').next().unwrap(), before).await;
                assert!(answered["statusCode"].as_u64().unwrap() < 300, "{name}: {answered}");
            }
            let mail = newest_mail(link.to).await;
            filled = filled.replace(link.placeholder, &link_token(&mail));
            if filled.contains(CODE) {
                filled = filled.replace(CODE, &code(&mail));
            }
        }
        filled
    }
}

impl SignedIn {
    /// Puts in what comes of setting up a second factor, as far as the event needs it.
    async fn fill_second_factor(
        &self,
        mut filled: String,
        answer: &impl AsyncFn(&str, String) -> Value,
        newest_mail: &impl AsyncFn(&str) -> String,
    ) -> String {
        // By mail: a password that somebody else may have chosen goes when the address is verified (OT-10).
        let by_mail = self.fill_with_links(&event("login-email-code-verify/ok"), answer, newest_mail).await;
        let verified = Self::of(&answer("login-email-code-verify", by_mail).await);
        filled = filled.replace(VERIFIED, &verified.access_token);
        if ![ENROLMENT, STRONG, WAITING].iter().any(|it| filled.contains(it)) {
            return filled;
        }
        let begin = event("mfa-totp/ok").replace(VERIFIED, &verified.access_token);
        let begun = body(&answer("mfa-totp", begin).await);
        let first_code = PhoneApp::typed(begun["secret"].as_str().unwrap()).code(verified.issued_at());
        let with_code = |event: &str| {
            let event = event.replace(ENROLMENT, begun["enrolment_token"].as_str().unwrap()).replace(TOTP, &first_code);
            event.replace(VERIFIED, &verified.access_token)
        };
        if filled.contains(ENROLMENT) {
            return with_code(&filled);
        }
        let confirmed = body(&answer("mfa-totp-confirm", with_code(&event("mfa-totp-confirm/ok"))).await);
        filled = filled.replace(STRONG, &verified.access_token);
        filled = filled.replace(RECOVERY_CODE, confirmed["recovery_codes"][0].as_str().unwrap());
        if !filled.contains(WAITING) {
            return filled;
        }
        filled.replace(WAITING, &first_step(answer, newest_mail).await)
    }

    /// Puts in what comes of registering a passkey, as far as the event needs it.
    async fn fill_passkey(
        &self,
        filled: String,
        answer: &impl AsyncFn(&str, String) -> Value,
        newest_mail: &impl AsyncFn(&str) -> String,
    ) -> String {
        let by_mail = self.fill_with_links(&event("login-email-code-verify/ok"), answer, newest_mail).await;
        let verified = Self::of(&answer("login-email-code-verify", by_mail).await).access_token;
        let begun = body(&answer("passkey-options", event("passkey-options/ok").replace(VERIFIED, &verified)).await);
        let mut authenticator = Authenticator::synced("https://auth.example.com");
        // The same each time: responses have it.
        authenticator.credential_id = vec![7; 20];
        let credential = within_text(&authenticator.create(&begun["publicKey"]));
        let with_credential = |event: &str| event.replace(CREDENTIAL, &credential).replace(VERIFIED, &verified);
        if filled.contains(CREDENTIAL) {
            return with_credential(&filled);
        }
        let added = body(&answer("passkey-add", with_credential(&event("passkey-add/ok"))).await);
        let filled = filled.replace(PASSKEY, added["passkey"]["id"].as_str().unwrap()).replace(WITH_PASSKEY, &verified);
        if filled.contains(SIGNED) || filled.contains(SIGNED_FORM) {
            let asked = body(&answer("passkey-login-options", event("passkey-login-options/ok")).await);
            let signed = authenticator.get(&asked["publicKey"]);
            let percent = |byte: u8| {
                if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }
            };
            let form: String = signed.to_string().bytes().map(percent).collect();
            return filled.replace(SIGNED_FORM, &form).replace(SIGNED, &within_text(&signed));
        }
        if !filled.contains(WAITING_FOR_PASSKEY) {
            return filled;
        }
        filled.replace(WAITING_FOR_PASSKEY, &first_step(answer, newest_mail).await)
    }

    /// When its access token was made: what time it is where it was.
    fn issued_at(&self) -> i64 {
        let claims = URL_SAFE_NO_PAD.decode(self.access_token.split('.').nth(1).unwrap()).unwrap();
        serde_json::from_slice::<Value>(&claims).unwrap()["iat"].as_i64().unwrap()
    }
}

/// JSON within the text that an event's body is.
fn within_text(json: &Value) -> String {
    Value::String(json.to_string()).to_string().trim_matches('"').to_owned()
}

/// Signs in by another mailed code: what the second step comes with.
async fn first_step(
    answer: &impl AsyncFn(&str, String) -> Value,
    newest_mail: &impl AsyncFn(&str) -> String,
) -> String {
    answer("login-email-code", event("login-email-code/ok")).await;
    let mail = newest_mail(EMAIL).await;
    let again = event("login-email-code-verify/ok").replace(LINKS[1].placeholder, &link_token(&mail));
    let waiting = body(&answer("login-email-code-verify", again.replace(CODE, &code(&mail))).await);
    waiting["mfa_token"].as_str().unwrap().to_owned()
}

fn body(answer: &Value) -> Value {
    serde_json::from_str(answer["body"].as_str().unwrap()).unwrap_or_else(|_| panic!("{answer}"))
}

/// Signs a browser in, and takes the code out of where that sends it.
async fn authorization_code(answer: &impl AsyncFn(&str, String) -> Value) -> String {
    let signed_in = answer("page-login", event("page-login/ok")).await;
    let cookies = signed_in["cookies"].as_array().unwrap_or_else(|| panic!("no cookies in {signed_in}"));
    let session = cookies.iter().filter_map(Value::as_str).find(|it| it.contains("-session=")).unwrap();
    let mut ask: Value = serde_json::from_str(&event("authorize/ok")).unwrap();
    ask["cookies"] = json!([session.split(';').next()]);
    let back = answer("authorize", ask.to_string()).await;
    let location = back["headers"]["location"].as_str().unwrap_or_else(|| panic!("no location in {back}"));
    let (_, code) = location.split_once("?code=").unwrap_or_else(|| panic!("no code in {location}"));
    code.split('&').next().unwrap().to_owned()
}

/// The code in a mail: the line that has nothing else, without the spaces that make it readable.
#[track_caller]
pub fn code(mail: &str) -> String {
    let mut lines = mail.lines().map(|line| line.replace([' ', '-'], ""));
    let is_code =
        |line: &String| line.len() == 8 && line.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
    lines.find(is_code).unwrap_or_else(|| panic!("no code in {mail}"))
}

/// The token in a mail's first link.
#[track_caller]
pub fn link_token(mail: &str) -> String {
    let (_, rest) = mail.split_once("?token=").unwrap_or_else(|| panic!("no link in {mail}"));
    rest.split_whitespace().next().unwrap().to_owned()
}

impl Case {
    /// Where the response stands, and what this answer makes it.
    pub fn recorded(&self, answer: Value) -> (String, String) {
        (format!("events/{}.response.json", self.name), format!("{:#}\n", stable(answer)))
    }

    /// Holds an answer to the response beside the event.
    pub fn check(&self, answer: Value) {
        let (path, found) = self.recorded(answer);
        let expected = std::fs::read_to_string(repository().join(&path)).unwrap_or_default();
        assert!(expected == found, "{path} is another, or missing. If this is right, run `make generate`:\n{found}");
    }
}

/// An answer without what differs each time, and with its body as the JSON that it is.
pub fn stable(mut answer: Value) -> Value {
    if let Some(body) = answer.get_mut("body")
        && let Some(json) = body.as_str().and_then(|text| serde_json::from_str(text).ok())
    {
        *body = json;
    }
    replace("", &mut answer);
    answer
}

fn replace(member: &str, value: &mut Value) {
    static RULES_READ: LazyLock<Vec<(Regex, &str)>> =
        LazyLock::new(|| RULES.map(|(shape, placeholder)| (Regex::new(shape).unwrap(), placeholder)).into());
    match value {
        Value::String(text) => {
            for (shape, placeholder) in RULES_READ.iter() {
                *text = shape.replace_all(text, *placeholder).into_owned();
            }
        }
        Value::Number(_) if member.ends_with("_ms") => *value = "<milliseconds>".into(),
        // Of tokens, in seconds since 1970.
        Value::Number(_) if ["exp", "iat", "auth_time"].contains(&member) => *value = "<seconds>".into(),
        // Of the table, in which each endpoint leaves what it likes.
        Value::Number(_) if ["seen", "total"].contains(&member) => *value = "<items>".into(),
        Value::Array(items) => items.iter_mut().for_each(|item| replace(member, item)),
        Value::Object(members) => members.iter_mut().for_each(|(name, value)| replace(name, value)),
        _ => {}
    }
}
