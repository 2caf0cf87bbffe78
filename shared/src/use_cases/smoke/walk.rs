//! A synthetic user's way through the functions.

mod asking;
mod code_flow;
mod registering;
mod second_factor;

use serde_json::{Value, json};

use crate::app::App;
use crate::domain::language::Language;
use crate::domain::name::DisplayName;
use crate::domain::origin::Origin;
use crate::domain::request_context::RequestContext;
use crate::domain::synthetic::Synthetic;
use crate::fault::Fault;
use crate::outbound::codedeploy::Deployed;
use crate::outbound::functions::Functions;
use crate::store::limits::Scope;
use crate::use_cases::smoke::{Failure, Report, Step, once_more};

/// What the way leads through, with their routes.
const REGISTER: (&str, (&str, &str)) = ("register", ("POST", "/v1/register"));
const VERIFY: (&str, (&str, &str)) = ("email-verify", ("POST", "/v1/email/verify"));
const SIGN_IN: (&str, (&str, &str)) = ("login", ("POST", "/v1/login"));
const REFRESH: (&str, (&str, &str)) = ("token-refresh", ("POST", "/v1/token/refresh"));
const ME: (&str, (&str, &str)) = ("me", ("GET", "/v1/me"));
const SIGN_OUT: (&str, (&str, &str)) = ("logout", ("POST", "/v1/logout"));

/// The functions that the way leads through. Of others a deployment learns whether they start.
const WALKED: [&str; 13] = [
    REGISTER.0,
    VERIFY.0,
    SIGN_IN.0,
    REFRESH.0,
    ME.0,
    code_flow::AUTHORIZE.0,
    code_flow::SIGN_IN_PAGE.0,
    code_flow::TOKEN.0,
    code_flow::USERINFO.0,
    second_factor::BEGIN.0,
    second_factor::CONFIRM.0,
    second_factor::SECOND_STEP.0,
    SIGN_OUT.0,
];

/// A run.
pub(in crate::use_cases) struct Walk<'a> {
    pub(in crate::use_cases) app: &'a App,
    pub(in crate::use_cases) functions: &'a Functions,
    /// Asked at this version, all others at the alias.
    pub(in crate::use_cases) deployed: Option<&'a Deployed>,
    pub(in crate::use_cases) user: &'a Synthetic,
    pub(in crate::use_cases) request_id: &'a str,
    /// Whether a second factor is set up as well: each mails, so that a run every five minutes does without.
    pub(in crate::use_cases) with_second_factor: bool,
}

/// Why a step failed: the function, if it was one, and what was wrong.
pub(in crate::use_cases) struct Wrong {
    function: Option<String>,
    pub(in crate::use_cases) reason: String,
    why: Why,
}

/// Whether something is wrong at all.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    /// It is.
    Fault,
    /// A function said that nothing can be changed for now.
    ReadOnly,
    /// There is no such function, or none of that version.
    NotThere,
}

/// The step that was the last.
struct Stop {
    failure: Failure,
    why: Why,
}

impl<E: Into<Fault>> From<E> for Wrong {
    fn from(error: E) -> Self {
        own(&error.into().to_string())
    }
}

/// What a run makes up: it is told to nobody and kept nowhere.
struct Secrets {
    name: DisplayName,
    password: String,
    is_sign_up_open: bool,
}

struct Tokens {
    access: String,
    refresh: String,
    session: String,
}

impl Walk<'_> {
    /// All steps, until one fails. What operators have switched off is no failure: where a function says that nothing can be
    /// changed, what is read is asked for, and that is all. The functions' answers decide, because each hears of a switch in
    /// its own time.
    pub(in crate::use_cases) async fn all(&self, report: &mut Report) -> Result<(), Failure> {
        let ended = match self.way(report).await {
            Err(Stop { why: Why::ReadOnly, .. }) => self.step(report, "read-only", self.read_only()).await,
            ended => ended,
        };
        ended.map_err(|stop| stop.failure)
    }

    /// What a region that stands by answers: what is read.
    pub(in crate::use_cases) async fn standby(&self, report: &mut Report) -> Result<(), Failure> {
        self.step(report, "start", self.start()).await.map_err(|stop| stop.failure)?;
        self.step(report, "standby", self.read_only()).await.map_err(|stop| stop.failure)
    }

    async fn way(&self, report: &mut Report) -> Result<(), Stop> {
        self.step(report, "start", self.start()).await?;
        self.step(report, "erase", self.erase()).await?;
        let secrets = self.step(report, "register", self.register()).await?;
        if secrets.is_sign_up_open {
            self.step(report, "verify", self.verify(&secrets)).await?;
        }
        let tokens = self.step(report, "sign-in", self.sign_in(&secrets)).await?;
        let tokens = self.step(report, "refresh", self.refresh(&tokens)).await?;
        self.step(report, "me", self.me(&tokens)).await?;
        self.step(report, "code-flow", self.code_flow(&secrets)).await?;
        if self.with_second_factor {
            self.step(report, "second-factor", self.second_factor(&secrets, &tokens)).await?;
        }
        self.step(report, "sign-out", self.sign_out(&tokens)).await
    }

    /// Makes the account, as it is after a registration, for somebody else to sign in to. Nothing is asked of a function.
    pub(in crate::use_cases) async fn move_in(&self, password: &str) -> Result<(), Wrong> {
        self.erase().await?;
        self.begin(password).await?;
        self.forget_guesses().await
    }

    async fn step<T>(
        &self,
        report: &mut Report,
        step: &'static str,
        taken: impl Future<Output = Result<T, Wrong>>,
    ) -> Result<T, Stop> {
        let began = self.app.clock.now();
        // Before it ends: what takes too long has its name.
        report.steps.push(Step { step, took_ms: 0 });
        let outcome = taken.await;
        if let Some(last) = report.steps.last_mut() {
            last.took_ms = self.app.clock.now().millis() - began.millis();
        }
        outcome.map_err(|Wrong { function, reason, why }| Stop { failure: Failure { step, function, reason }, why })
    }

    async fn erase(&self) -> Result<(), Wrong> {
        Ok(once_more(|| self.app.store.erase_synthetic(self.user)).await?)
    }

    async fn start(&self) -> Result<(), Wrong> {
        let Some(deployed) = self.deployed else { return Ok(()) };
        let wrong = |function, reason| Wrong { function: Some(function), reason, why: Why::Fault };
        let elsewhere = || wrong(deployed.function.clone(), "not of this stage".to_owned());
        let folder = self.functions.folder(&deployed.function).ok_or_else(elsewhere)?;
        if WALKED.contains(&folder) {
            return Ok(());
        }
        let wrong = |reason| wrong(format!("{folder}:{}", deployed.version), reason);
        let source = self.user.source();
        let mut started = self.functions.start(folder, &deployed.version, &source).await;
        if let Err(cause) = &started {
            // What cannot start fails again. What was unlucky once must not take a release back.
            tracing::warn!(function = folder, version = deployed.version, %cause, "a version did not start at once");
            started = self.functions.start(folder, &deployed.version, &source).await;
        }
        match started.map_err(|cause| wrong(cause.to_string()))? {
            Some(status) if status >= 500 => Err(wrong(format!("answered {status}"))),
            _ => Ok(()),
        }
    }

    async fn read_only(&self) -> Result<(), Wrong> {
        self.expect(ME, None, None, 401, Some("authentication_required")).await.map(|_| ())
    }

    async fn forget_guesses(&self) -> Result<(), Wrong> {
        let (limit, email) = (&self.app.config.limits.login_account, self.user.email_key());
        let now = self.app.clock.now();
        Ok(once_more(|| self.app.store.forget_window(Scope::LoginAccount, email.as_str(), limit, now)).await?)
    }

    async fn sign_in(&self, secrets: &Secrets) -> Result<Tokens, Wrong> {
        self.forget_guesses().await?;
        let body = json!({ "email": self.email(), "password": secrets.password });
        let answer = self.expect(SIGN_IN, Some(&body), None, 200, None).await?;
        self.tokens(SIGN_IN.0, &answer)
    }

    async fn refresh(&self, before: &Tokens) -> Result<Tokens, Wrong> {
        let body = json!({ "refresh_token": before.refresh });
        let answer = self.expect(REFRESH, Some(&body), None, 200, None).await?;
        let tokens = self.tokens(REFRESH.0, &answer)?;
        if tokens.session != before.session || tokens.refresh == before.refresh {
            return Err(self.wrong(REFRESH.0, "gave a pair that does not follow"));
        }
        Ok(tokens)
    }

    async fn me(&self, tokens: &Tokens) -> Result<(), Wrong> {
        let answer = self.expect(ME, None, Some(&tokens.access), 200, None).await?;
        let own =
            answer.text("id") == Some(&self.user.user_id().to_string()) && answer.text("email") == Some(self.email());
        let without_roles = answer.body.get("roles").and_then(Value::as_array).is_some_and(Vec::is_empty);
        if own && without_roles { Ok(()) } else { Err(self.wrong(ME.0, "told of another account")) }
    }

    async fn sign_out(&self, tokens: &Tokens) -> Result<(), Wrong> {
        self.expect(SIGN_OUT, None, Some(&tokens.access), 204, None).await?;
        self.expect(ME, None, Some(&tokens.access), 401, Some("invalid_token")).await.map(|_| ())
    }

    fn email(&self) -> &str {
        self.user.email().display()
    }

    fn context(&self) -> RequestContext {
        RequestContext {
            now: self.app.clock.now(),
            origin: Origin::new(None, None),
            language: Language::default(),
            request_id: self.request_id.to_owned(),
        }
    }
}

/// What is our own fault.
fn own(reason: &str) -> Wrong {
    Wrong { function: None, reason: reason.to_owned(), why: Why::Fault }
}
