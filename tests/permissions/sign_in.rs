//! Signing in, and what the tokens are then good for.

use reqwest::Method;
use serde_json::json;
use wardgate::crypto::password_hasher::PasswordHasher;
use wardgate::crypto::password_wrap;
use wardgate::domain::email::Email;
use wardgate::domain::password::Password;

use super::observer::{Observer, expect};
use crate::harness::pages::Browser;
use crate::harness::{EMAIL, OTHER_PASSWORD, PASSWORD, TABLE, TestServer, code};

impl Observer {
    /// With a password, and by refreshing.
    pub async fn see_sign_in(&mut self) {
        for (name, path) in [
            ("health", "/health"),
            ("ready", "/ready"),
            ("jwks", "/.well-known/jwks.json"),
            ("openid-configuration", "/.well-known/openid-configuration"),
            ("related-origins", "/.well-known/webauthn"),
        ] {
            self.see(name, async |it| expect(it.get(path).await.status, 200)).await;
        }
        let asked = async |it: &TestServer| it.send(it.request(Method::OPTIONS, "/v1/login")).await.status;
        self.see("preflight", async |it| expect(asked(it).await, 204)).await;
        self.see_register().await;
        self.see_login().await;
        self.see_refresh().await;
        self.see_sessions().await;
    }

    /// A new address, and the same again.
    pub async fn see_register(&mut self) {
        for _ in 0..2 {
            self.see("register", async |it| expect(it.register(EMAIL, PASSWORD).await.status, 202)).await;
        }
    }

    /// From a device that stands for the second factor: where it is shown, and where it is left out.
    pub async fn see_remembered_device(&mut self) {
        let factor = self.server.with_second_factor().await;
        let body = json!({
            "mfa_token": self.server.first_step().await, "method": "recovery_code", "code": factor.recovery_codes[0],
            "remember_device": true,
        });
        let mut device = String::new();
        self.see("login-mfa", async |it| device = it.post("/v1/login/mfa", &body).await.string("device_token")).await;
        let own = self.server.base.clone();
        let mut browser = Browser::default();
        let shown = browser.open(&self.server, "/ui/login").await;
        let typed = [("email", EMAIL), ("password", PASSWORD)];
        let asked = browser.submit(&self.server, &shown, &typed, Some(&own)).await;
        let typed = [("recovery_code", factor.recovery_codes[1].as_str()), ("remember_device", "yes")];
        self.see("page-second-factor", async |it| {
            expect(browser.submit(it, &asked, &typed, Some(&own)).await.status, 200);
        })
        .await;
        let body = json!({ "email": EMAIL, "password": PASSWORD, "device_token": device });
        self.see("login", async |it| {
            assert_eq!(it.post("/v1/login", &body).await.string("status"), "signed_in");
        })
        .await;
    }

    /// As many devices as an account may have: with the next one the oldest goes.
    async fn fill_devices(&self) {
        for _ in 0..20 {
            assert_eq!(self.server.login(EMAIL, PASSWORD).await.status, 200);
        }
    }

    async fn see_login(&mut self) {
        self.fill_devices().await;
        let mut device = String::new();
        self.see("login", async |it| device = it.login(EMAIL, PASSWORD).await.string("device_token")).await;
        let again = json!({ "email": EMAIL, "password": PASSWORD, "device_token": device });
        self.see("login", async |it| expect(it.post("/v1/login", &again).await.status, 200)).await;
        self.see("login", async |it| expect(it.login(EMAIL, OTHER_PASSWORD).await.status, 401)).await;
        self.see("login", async |it| expect(it.login("nobody@example.com", PASSWORD).await.status, 401)).await;
        self.age_hash().await;
        // Old enough that its owner is told of another device.
        self.server.clock.advance(600);
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

    async fn see_sessions(&mut self) {
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

    /// With what is mailed.
    pub async fn see_mailed_sign_in(&mut self) {
        self.server.register(EMAIL, PASSWORD).await;
        self.server.verify_directly(EMAIL).await;
        self.fill_devices().await;
        // Old enough that its owner is told of another device.
        self.server.clock.advance(600);
        let path = "/v1/login/email-code/verify";
        let ask = json!({ "email": EMAIL });
        let mut flow = String::new();
        self.see("login-email-code", async |it| {
            flow = it.post("/v1/login/email-code", &ask).await.string("flow_token");
        })
        .await;
        let typed = code(&self.server.newest_mail(EMAIL).await);
        let wrong = json!({ "email": EMAIL, "code": "00000000", "flow_token": flow });
        self.see("login-email-code-verify", async |it| expect(it.post(path, &wrong).await.status, 401)).await;
        let right = json!({ "email": EMAIL, "code": typed, "flow_token": flow });
        let mut device = String::new();
        self.see("login-email-code-verify", async |it| device = it.post(path, &right).await.string("device_token"))
            .await;

        let (token, flow) = self.asked_for_link().await;
        let alone = json!({ "token": token, "flow_token": "none" });
        self.see("login-email-code-verify", async |it| expect(it.post(path, &alone).await.status, 403)).await;
        let link = json!({ "token": token, "flow_token": flow, "device_token": device });
        self.see("login-email-code-verify", async |it| expect(it.post(path, &link).await.status, 200)).await;
        self.see("login-email-code-verify", async |it| expect(it.post(path, &link).await.status, 401)).await;

        let ((token, flow), own) = (self.asked_for_link().await, self.server.base.clone());
        let mut browser = Browser::default();
        let mut shown = None;
        self.see("page-show", async |it| shown = Some(browser.open_link(it, "sign-in", &token).await)).await;
        let shown = shown.unwrap();
        let wrong: &[(&str, &str)] = &[("code", "00000000")];
        for (typed, status) in [(&[] as &[_], 200), (wrong, 400)] {
            self.see("page-sign-in", async |it| {
                expect(browser.submit(it, &shown, typed, Some(&own)).await.status, status);
            })
            .await;
        }
        browser.cookies.insert("__Host-wardgate-code-flow".to_owned(), flow);
        for status in [200, 200, 400] {
            if status == 400 {
                browser.cookies.remove("__Host-wardgate-browser");
            }
            self.see("page-sign-in", async |it| {
                expect(browser.submit(it, &shown, &[], Some(&own)).await.status, status);
            })
            .await;
        }
    }

    /// The link's token, and the flow's.
    async fn asked_for_link(&self) -> (String, String) {
        let flow = self.server.code_flow(EMAIL).await;
        (self.mailed_token(EMAIL).await, flow)
    }

    /// Lets somebody in to the customer's own API.
    pub async fn see_authorizer(&mut self) {
        self.server.register(EMAIL, PASSWORD).await;
        let (access, _) = self.signed_in().await;
        self.see("authorizer", async |it| {
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
