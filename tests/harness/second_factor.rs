//! An app that shows codes, as people have one on their phones, and an account that it is set up for.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use reqwest::Method;
use ring::hmac;
use serde_json::{Value, json};
use wardgate::crypto::recovery_code::RecoveryCode;
use wardgate::crypto::totp::TotpSecret;
use wardgate::crypto::totp_wrap;
use wardgate::domain::audit::{AuditAction, Subject};
use wardgate::domain::email::Email;
use wardgate::domain::factors::FactorChange;
use wardgate::domain::id::{FactorId, SessionId, UserId};
use wardgate::domain::one_time::{OneTime, Purpose};
use wardgate::domain::second_factor::{RecoveryCodes, TotpFactor};
use wardgate::store::sign_in::second_factors::{CodesSetting, FactorsSetting, TotpSetting};

use super::applications::claims;
use super::{Answer, EMAIL, PASSWORD, TestServer};

/// An app on a phone whose clock is right.
pub struct PhoneApp {
    secret: [u8; 20],
}

impl PhoneApp {
    /// What it shows now.
    pub fn code(&self, server: &TestServer) -> String {
        self.code_at(server, 0)
    }

    /// What it shows so many steps of 30 seconds later.
    pub fn code_at(&self, server: &TestServer, steps: i64) -> String {
        let step = server.context().now.unix_seconds() / 30 + steps;
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.secret), &step.to_be_bytes());
        let (tag, offset) = (tag.as_ref(), usize::from(tag.as_ref()[19] & 15));
        let number = u32::from_be_bytes(tag[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff;
        format!("{:06}", number % 1_000_000)
    }
}

/// What a person has who has set up a second factor.
pub struct SecondFactor {
    pub app: PhoneApp,
    /// As they were shown.
    pub recovery_codes: Vec<String>,
    /// The session that did it.
    pub session: Answer,
}

impl TestServer {
    /// Registers [`EMAIL`], signs in, and sets up a second factor.
    pub async fn with_second_factor(&self) -> SecondFactor {
        let session = self.signed_in().await;
        self.verify_directly(EMAIL).await;
        self.set_up_second_factor(session).await
    }

    /// As [`Self::with_second_factor`], of whoever is registered.
    pub async fn with_second_factor_of(&self, email: &str) -> SecondFactor {
        let session = self.login(email, PASSWORD).await;
        self.verify_directly(email).await;
        self.set_up_second_factor(session).await
    }

    /// Sets whether sign-ins ask [`EMAIL`] for a second factor.
    pub async fn ask_at_sign_in(&self, asked: bool) {
        let email = Email::parse(EMAIL).unwrap().key();
        let credential = self.app.store.read_credential(&email).await.unwrap().unwrap();
        let factors: AttributeValue = serde_dynamo::to_attribute_value(credential.factors.asked(asked)).unwrap();
        let keys =
            [(format!("EMAIL#{}", email.as_str()), "CREDENTIAL"), (format!("USER#{}", credential.user_id), "PROFILE")];
        for (pk, sk) in keys {
            self.set_attribute(&pk, sk, "factors", factors.clone()).await;
        }
    }

    async fn set_up_second_factor(&self, session: Answer) -> SecondFactor {
        let (app, context) = (self.elsewhere(), self.context());
        let claims = claims(&session.string("access_token"));
        let user = UserId::parse(claims["sub"].as_str().unwrap()).unwrap();
        let sid = SessionId::parse(claims["sid"].as_str().unwrap()).unwrap();
        let (found, user) = app.store.read_session_and_user(user, sid).await.unwrap();
        let (mut found, user) = (found.unwrap(), user.unwrap());
        found.amr = ["pwd", "otp", "mfa"].map(str::to_owned).into();
        let secret = TotpSecret::mint(&*app.entropy).unwrap();
        let id = FactorId::new(context.now, 1);
        let ring = app.secrets.factor_wrap(context.now).await.unwrap();
        let sealed = totp_wrap::wrap(&secret, (user.id, id), &ring, context.now, &*app.entropy).unwrap();
        let totp = TotpFactor { id, secret: sealed, last_step: 0, created_at: context.now };
        let codes = RecoveryCode::mint(&*app.entropy).unwrap();
        let hashes: BTreeSet<_> = codes.iter().map(|code| code.hash(user.id)).collect();
        let kept = RecoveryCodes { id: FactorId::new(context.now, 2), codes: hashes, created_at: context.now };
        let factors = user.factors.with_totp();
        let notice = app.notice(&context, Purpose::FactorsChanged, &user).unwrap();
        let notice = OneTime { factor_change: Some(FactorChange::TotpAdded), ..notice };
        let setting = FactorsSetting {
            user: &user,
            factors: &factors,
            totp: TotpSetting::New(&totp),
            codes: CodesSetting::New(&kept),
            session: &found,
            ends_others: false,
            notice: &notice,
        };
        let audit = app.audit(&context, Subject::User(user.id), AuditAction::TotpAdded, Some(found.id)).unwrap();
        assert!(app.store.change_factors(&setting, &audit).await.unwrap());
        let recovery_codes = codes.iter().map(|code| code.shown().to_string()).collect();
        SecondFactor { app: PhoneApp { secret: *secret.expose() }, recovery_codes, session }
    }

    /// The first step, which asks for the second: what it answers.
    pub async fn first_step(&self) -> String {
        let answer = self.login(EMAIL, PASSWORD).await;
        assert_eq!((answer.status, answer.string("status").as_str()), (200, "mfa_required"), "{}", answer.text);
        answer.string("mfa_token")
    }

    /// The second step.
    pub async fn second_step(&self, token: &str, method: &str, code: &str) -> Answer {
        self.post("/v1/login/mfa", &json!({ "mfa_token": token, "method": method, "code": code })).await
    }

    /// Shows again who one is, with all that there is.
    pub async fn step_up_with(&self, access: &str, shown: &Value) -> Answer {
        self.send(self.request(Method::POST, "/v1/step-up").bearer_auth(access).json(shown)).await
    }
}
