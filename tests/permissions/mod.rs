//! PL-01: what each function asks of AWS, recorded below the SDK, and what its role in `template.yaml` allows are the
//! same. Every branch that asks for something has to be driven here: a right that no test uses fails as well as one
//! that is missing.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::{Value, json};
use wardgate::crypto::password_hasher::PasswordHasher;
use wardgate::crypto::password_wrap;
use wardgate::domain::email::Email;
use wardgate::domain::password::Password;
use wardgate::http::endpoint::Needs;
use wardgate::use_cases::password_forgot::password_forgot;
use wardgate_server::endpoints::ENDPOINTS;

use crate::harness::cloudformation::{functions, read, resolve, statements, texts};
use crate::harness::store_edge::Access;
use crate::harness::{EMAIL, OTHER_PASSWORD, PASSWORD, TABLE, TestServer};

const API: &str = "https://api.example.com";
const AUTHORIZER: &str = "authorizer";

/// An action, what it is done to, and in which partition.
type Uses = BTreeSet<Access>;

/// What Lambda itself does with a function's role to read the table's stream.
const POLLING: [&str; 4] =
    ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"];

/// What a role allows on tables and secrets.
fn granted(template: &Value, stage: &str, id: &str) -> Uses {
    let mut uses = Uses::new();
    for statement in statements(template, id) {
        assert_eq!(statement["Effect"], "Allow", "{id}: {statement}");
        for action in texts(&statement["Action"]).into_iter().filter(|action| !POLLING.contains(action)) {
            let Some(kind) = ["dynamodb:", "secretsmanager:"].into_iter().find(|kind| action.starts_with(kind)) else {
                continue;
            };
            for arn in texts(&statement["Resource"]) {
                let resource = arn.rsplit(':').next().unwrap();
                let partitions = texts(&statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]);
                if kind == "dynamodb:" {
                    let table = resource.strip_prefix("table/").unwrap().strip_suffix(&format!("-{stage}")).unwrap();
                    assert!(!partitions.is_empty(), "{id} may use every partition: {statement}");
                    uses.extend(partitions.iter().map(|partition| Access::new(action, table, partition)));
                } else {
                    // Secrets Manager appends six characters of its own.
                    let ring = resource.strip_prefix(&format!("wardgate/{stage}/")).unwrap();
                    uses.insert(Access::new(action, ring.strip_suffix("-??????").unwrap(), ""));
                }
            }
        }
    }
    uses
}

/// What is wrong with a role, in both directions.
fn differences(granted: &Uses, used: &Uses) -> Vec<String> {
    let unused = granted.difference(used).map(|it| format!("allowed and never used: {it}"));
    unused.chain(used.difference(granted).map(|it| format!("used and not allowed: {it}"))).collect()
}

/// What functions have been seen to do.
struct Observer {
    server: TestServer,
    seen: BTreeMap<&'static str, Uses>,
}

impl Observer {
    async fn with(variables: &[(&str, &str)]) -> Self {
        Self { server: TestServer::with_secrets_manager(variables).await, seen: BTreeMap::new() }
    }

    /// Drives one function in a process of its own that has read nothing yet, as Lambda starts it.
    async fn see(&mut self, name: &'static str, drive: impl AsyncFnOnce(&TestServer)) {
        let process = self.server.restarted().await;
        let needs = match ENDPOINTS.iter().find(|(endpoint, _)| endpoint.name == name) {
            Some((endpoint, _)) => endpoint.needs,
            None if name == AUTHORIZER => self.authorizer_needs(),
            None if name == "events" => (events::FUNCTION.needs)(&self.server.app.config).unwrap(),
            None if name == "mailer" => (mailer::FUNCTION.needs)(&self.server.app.config).unwrap(),
            None => panic!("there is no function {name}"),
        };
        self.server.store.reset();
        self.server.secrets_manager.taken();
        process.app.prefetch(needs).await;
        drive(&process).await;
        let uses = self.seen.entry(name).or_default();
        uses.extend(self.server.store.accesses());
        let rings = self.server.secrets_manager.taken().into_iter();
        uses.extend(rings.map(|ring| Access::new("secretsmanager:GetSecretValue", &ring, "")));
    }

    fn authorizer_needs(&self) -> Needs {
        (authorizer::FUNCTION.needs)(&self.server.app.config).unwrap()
    }

    async fn signed_in(&self) -> (String, String) {
        let answer = self.server.login(EMAIL, PASSWORD).await;
        (answer.string("access_token"), answer.string("refresh_token"))
    }

    /// Everything that the endpoints do in this stage, whatever becomes of it.
    async fn see_endpoints(&mut self) {
        for (name, path) in [
            ("health", "/health"),
            ("ready", "/ready"),
            ("jwks", "/.well-known/jwks.json"),
            ("openid-configuration", "/.well-known/openid-configuration"),
        ] {
            self.see(name, async |it| expect(it.get(path).await.status, 200)).await;
        }
        // A new address, and the same again.
        self.see("register", async |it| expect(it.register(EMAIL, PASSWORD).await.status, 202)).await;
        self.see("register", async |it| expect(it.register(EMAIL, PASSWORD).await.status, 202)).await;
        self.see_mailer().await;
        self.see_login().await;
        self.see_refresh().await;

        let (access, refresh) = self.signed_in().await;
        self.see("me", async |it| expect(it.as_bearer(Method::GET, "/v1/me", &access).await.status, 200)).await;
        self.see("sessions-list", async |it| {
            expect(it.as_bearer(Method::GET, "/v1/sessions", &access).await.status, 200);
        })
        .await;
        self.see("sessions-end-others", async |it| {
            expect(it.as_bearer(Method::DELETE, "/v1/sessions", &access).await.status, 204);
        })
        .await;
        // A session of the same moment would be one of those that were ended.
        self.server.clock.advance(1);
        let logout = json!({ "refresh_token": refresh });
        self.see("logout", async |it| expect(it.post("/v1/logout", &logout).await.status, 204)).await;
        let (access, _) = self.signed_in().await;
        self.see("logout", async |it| expect(it.as_bearer(Method::POST, "/v1/logout", &access).await.status, 204))
            .await;
        // Its own session, then one that is not there.
        let signed_in = self.server.login(EMAIL, PASSWORD).await;
        let (access, path) =
            (signed_in.string("access_token"), format!("/v1/sessions/{}", signed_in.string("session_id")));
        self.see("session-end", async |it| expect(it.as_bearer(Method::DELETE, &path, &access).await.status, 204))
            .await;
        self.see("session-end", async |it| expect(it.as_bearer(Method::DELETE, &path, &access).await.status, 401))
            .await;
    }

    /// Everything that a mail can need: its item, an account, a registration, the counters.
    async fn see_mailer(&mut self) {
        // The stream brings everything that this one needs.
        self.see("events", async |_| {}).await;
        self.server.mails(EMAIL).await;
        let email = Email::parse(EMAIL).unwrap();
        password_forgot(&self.server.app, &self.server.context(), &email).await.unwrap();
        self.see("mailer", async |it| assert!(!it.mails(EMAIL).await.is_empty())).await;
    }

    async fn see_login(&mut self) {
        self.see("login", async |it| expect(it.login(EMAIL, PASSWORD).await.status, 200)).await;
        self.see("login", async |it| expect(it.login(EMAIL, OTHER_PASSWORD).await.status, 401)).await;
        self.see("login", async |it| expect(it.login("nobody@example.com", PASSWORD).await.status, 401)).await;
        self.age_hash().await;
        self.see("login", async |it| expect(it.login(EMAIL, PASSWORD).await.status, 200)).await;
        // The account changes after the credential was read.
        let user = self.server.items(TABLE, "USER#").await.into_iter().find(|item| item.contains_key("cred_version"));
        let pk = user.unwrap()["pk"].as_s().unwrap().clone();
        let number = |text: &str| aws_sdk_dynamodb::types::AttributeValue::N(text.to_owned());
        self.server.set_attribute(&pk, "PROFILE", "cred_version", number("2")).await;
        self.see("login", async |it| expect(it.login(EMAIL, PASSWORD).await.status, 401)).await;
        self.server.set_attribute(&pk, "PROFILE", "cred_version", number("1")).await;
    }

    /// Makes the hash one of older parameters, which the next sign-in renews.
    async fn age_hash(&self) {
        let app = &self.server.app;
        let now = self.server.context().now;
        let mut older = app.config.hashing.clone();
        older.iterations = 2;
        let hasher = PasswordHasher::new(&older, 1).unwrap();
        let key = Email::parse(EMAIL).unwrap().key();
        let credential = app.store.read_credential(&key).await.unwrap().unwrap();
        let phc = hasher.hash(&Password::attempt(PASSWORD).unwrap(), [9; 16]).await.unwrap();
        let ring = app.secrets.password_wrap(now).await.unwrap();
        let aged = password_wrap::wrap(&phc, credential.user_id, &ring, now, &*app.entropy).unwrap();
        app.store.replace_hash(&key, &credential.password.unwrap(), &aged).await.unwrap();
    }

    async fn see_refresh(&mut self) {
        let (_, first) = self.signed_in().await;
        self.see("token-refresh", async |it| expect(it.refresh(&first).await.status, 200)).await;
        // Inside the grace window, by somebody else's client.
        self.see("token-refresh", async |it| {
            let request = it.request(Method::POST, "/v1/token/refresh").header("user-agent", "elsewhere");
            expect(it.send(request.json(&json!({ "refresh_token": first }))).await.status, 200);
        })
        .await;
        self.server.clock.advance(60);
        self.see("token-refresh", async |it| expect(it.refresh(&first).await.status, 401)).await;
    }

    async fn see_authorizer(&mut self) {
        self.server.register(EMAIL, PASSWORD).await;
        let (access, _) = self.signed_in().await;
        self.see(AUTHORIZER, async |it| {
            let event = json!({
                "version": "2.0",
                "type": "REQUEST",
                "routeArn": "arn:aws:execute-api:eu-central-1:123456789012:abcdefghij/$default/GET/orders",
                "headers": { "authorization": format!("Bearer {access}") },
                "requestContext": { "http": { "method": "GET" }, "requestId": "x" },
            });
            let answer = (authorizer::FUNCTION.handler)(&it.app, &(), serde_json::from_value(event).unwrap()).await;
            assert_eq!(answer.ok().unwrap()["isAuthorized"], true);
        })
        .await;
    }
}

#[track_caller]
fn expect(status: u16, expected: u16) {
    assert_eq!(status, expected);
}

#[tokio::test]
async fn sec_pl_01_each_role_allows_what_its_function_does_and_nothing_else() {
    let template = resolve(&read("template.yaml"), &[]);
    // Three iterations today, so that two were yesterday's.
    let mut observer = Observer::with(&[("AUTH__HASHING__ITERATIONS", "3")]).await;
    observer.see_endpoints().await;
    let functions = functions(&template);
    assert!(observer.seen.keys().copied().eq(functions.keys()), "a function is not driven: {functions:?}");
    let wrong: Vec<String> = functions
        .iter()
        .flat_map(|(name, id)| {
            let found = differences(&granted(&template, "development", id), &observer.seen[name.as_str()]);
            found.into_iter().map(move |difference| format!("{name}: {difference}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The one endpoint that does something else where addresses are verified.
#[tokio::test]
async fn sec_pl_01_outside_development_registration_makes_no_user() {
    let template = resolve(&read("template.yaml"), &[("Stage", json!("production"))]);
    let mut observer = Observer::with(&[("AUTH__ACCOUNTS__REQUIRE_VERIFIED_EMAIL", "true")]).await;
    observer.see("register", async |it| expect(it.register(EMAIL, PASSWORD).await.status, 202)).await;
    let granted = granted(&template, "production", "Register");
    assert_eq!(differences(&granted, &observer.seen["register"]), Vec::<String>::new());
}

#[tokio::test]
async fn sec_pl_01_the_authorizer_may_read_the_table_only_where_it_checks_sessions() {
    for checks in ["false", "true"] {
        let parameters = [("AuthorizerAudience", json!(API)), ("AuthorizerChecksSessions", json!(checks))];
        let template = resolve(&read("template.yaml"), &parameters);
        let mut observer = Observer::with(&[
            ("AUTH__TOKENS__AUDIENCE", API),
            ("AUTH__AUTHORIZER__AUDIENCE", API),
            ("AUTH__AUTHORIZER__CHECK_LIVE_SESSION", checks),
        ])
        .await;
        observer.see_authorizer().await;
        let granted = granted(&template, "development", "Authorizer");
        assert_eq!(differences(&granted, &observer.seen[AUTHORIZER]), Vec::<String>::new(), "{checks}");
    }
}

#[tokio::test]
async fn sec_pl_01_a_planted_extra_and_a_planted_missing_action_are_caught() {
    let mut template = resolve(&read("template.yaml"), &[]);
    let mut observer = Observer::with(&[]).await;
    observer.server.register(EMAIL, PASSWORD).await;
    let (access, _) = observer.signed_in().await;
    observer
        .see("sessions-list", async |it| {
            expect(it.as_bearer(Method::GET, "/v1/sessions", &access).await.status, 200);
        })
        .await;
    let used = &observer.seen["sessions-list"];
    let check = |template: &Value| differences(&granted(template, "development", "SessionsList"), used);
    assert_eq!(check(&template), Vec::<String>::new());

    let policy = &mut template["Resources"]["SessionsListRole"]["Properties"]["Policies"][0]["PolicyDocument"];
    let statements = policy["Statement"].as_array_mut().unwrap();
    let sessions = statements.iter_mut().find(|statement| statement["Sid"] == "Sessions").unwrap();
    assert_eq!(sessions["Action"], json!(["dynamodb:GetItem", "dynamodb:Query"]));
    sessions["Action"] = json!(["dynamodb:DeleteItem", "dynamodb:GetItem"]);
    let expected = [
        "allowed and never used: dynamodb:DeleteItem on wardgate, USER#*",
        "used and not allowed: dynamodb:Query on wardgate, USER#*",
    ];
    assert_eq!(check(&template), expected);
}
