//! The smoke test (PL-08): whether people can register, sign in, refresh, be known and sign out, by the functions
//! themselves. A deployment asks before it lets anybody near a new version, and an operator whenever they like.
//!
//! It plays a synthetic user that no other run plays at the time. What strangers do to the addresses of these users, which
//! are no secret, is cleared away before it matters: the most that they can do is to be very fast, for as long as it lasts.

mod lend;
mod walk;

pub use lend::{GivenBack, Lent, give_back, lend};

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::domain::hex;
use crate::domain::synthetic::Synthetic;
use crate::fault::Fault;
use crate::outbound::codedeploy::{CodeDeploy, Deployed};
use crate::outbound::functions::Functions;
use crate::store::error::StoreError;
use crate::store::synthetic::Lease;

/// How long a run may take once it has a user, at most.
const WALK: Duration = Duration::from_mins(1);
/// How long a run has its user: the walk and what comes after it.
const LEASE: Duration = Duration::from_secs(90);
/// How soon a run that found every user busy looks again.
const PAUSE: Duration = Duration::from_millis(500);

/// What a run talks to.
#[derive(Debug)]
pub struct Services {
    /// Whose deployments wait for it.
    pub codedeploy: CodeDeploy,
    /// What is tested.
    pub functions: Functions,
}

/// A deployment's question.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Hook {
    /// The deployment.
    pub deployment_id: String,
    /// What the answer belongs to.
    pub lifecycle_event_hook_execution_id: String,
}

/// How a run went.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Whether everything was as it should be.
    pub passed: bool,
    /// What was done, in order; the last is what failed, if something did.
    pub steps: Vec<Step>,
    /// What failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Who is lent, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lent: Option<Lent>,
}

/// A step, and how long it took.
#[derive(Debug, Serialize)]
pub struct Step {
    /// Its name.
    pub step: &'static str,
    /// Milliseconds.
    pub took_ms: i64,
}

/// What failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The step.
    pub step: &'static str,
    /// Whose log says more, and at which version or alias.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// What was wrong: no token, no password, nothing of an answer but its status and code.
    pub reason: String,
}

impl Report {
    fn fail(&mut self, step: &'static str, function: Option<String>, reason: impl Into<String>) {
        self.passed = false;
        self.failure.get_or_insert(Failure { step, function, reason: reason.into() });
    }
}

/// Answers a deployment. It has its answer also where the test could not be made.
pub async fn pre_traffic(app: &App, services: &Services, hook: &Hook) -> Result<Report, Fault> {
    let report = match services.codedeploy.deployed(&hook.deployment_id).await {
        Ok(deployed) => {
            smoke(app, services, Run { deployed: Some(&deployed), with_second_factor: true }, &hook.deployment_id).await
        }
        Err(cause) => {
            let mut report = Report::default();
            report.fail("deployment", None, cause.to_string());
            report
        }
    };
    log(&report, &hook.deployment_id);
    let answered =
        services.codedeploy.report(&hook.deployment_id, &hook.lifecycle_event_hook_execution_id, report.passed);
    answered.await.map_err(Fault::Outbound)?;
    Ok(report)
}

/// Tests what is live.
pub async fn live(app: &App, services: &Services, request_id: &str) -> Report {
    let report = smoke(app, services, Run { deployed: None, with_second_factor: true }, request_id).await;
    log(&report, request_id);
    report
}

/// Tests what is live, by its schedule. One that does not pass is an error of the function's, which an alarm counts, as it
/// counts a run that could not even begin.
pub async fn scheduled(app: &App, services: &Services) -> Result<Report, Fault> {
    let request_id = "schedule";
    let report = smoke(app, services, Run { deployed: None, with_second_factor: false }, request_id).await;
    log(&report, request_id);
    if report.passed { Ok(report) } else { Err(Fault::Smoke) }
}

fn log(report: &Report, request_id: &str) {
    match &report.failure {
        None => tracing::info!(request_id, "smoke test passed"),
        Some(Failure { step, function, reason }) => {
            tracing::error!(request_id, step, function, reason, "smoke test failed");
        }
    }
}

/// What a run is for.
#[derive(Clone, Copy)]
struct Run<'a> {
    /// The deployment that asks.
    deployed: Option<&'a Deployed>,
    /// Whether it sets a second factor up.
    with_second_factor: bool,
}

/// One run, in the time that there is: whatever becomes of it, it is over before Lambda ends the process.
async fn smoke(app: &App, services: &Services, run: Run<'_>, request_id: &str) -> Report {
    let Run { deployed, with_second_factor } = run;
    let mut report = Report::default();
    // Half of it to wait, a quarter to walk: there is time left to clear away and to report.
    let in_all = Duration::from_millis(app.config.http.request_deadline_ms);
    if app.writes().is_err() {
        return smoke_standby(app, services, deployed, request_id, in_all / 4).await;
    }
    let (user, holder) = match tokio::time::timeout(in_all / 2, lease(app)).await {
        Ok(Ok(lease)) => lease,
        Ok(Err(cause)) => {
            report.fail("user", None, cause.to_string());
            return report;
        }
        Err(_) => {
            report.fail("user", None, "every synthetic user was busy: other runs take too long");
            return report;
        }
    };
    let functions = &services.functions;
    let walk = walk::Walk { app, functions, deployed, user: &user, request_id, with_second_factor };
    match tokio::time::timeout(WALK.min(in_all / 4), walk.all(&mut report)).await {
        Ok(Ok(())) => report.passed = true,
        Ok(Err(failure)) => report.fail(failure.step, failure.function, failure.reason),
        Err(_) => {
            let step = report.steps.last().map_or("start", |step| step.step);
            report.fail(step, None, "it took too long");
        }
    }
    // The next run of this user clears away what this one cannot.
    if let Err(cause) = once_more(|| app.store.erase_synthetic(&user)).await {
        report.fail("erase", None, cause.to_string());
    }
    if let Err(cause) = app.store.release_synthetic(&user, &holder).await {
        tracing::warn!(request_id, %cause, "a synthetic user stays busy until its lease ends");
    }
    report
}

/// One run in a region that stands by: nothing may be written (ED-17), so nobody signs in, and no user has to be leased.
async fn smoke_standby(
    app: &App,
    services: &Services,
    deployed: Option<&Deployed>,
    request_id: &str,
    time: Duration,
) -> Report {
    let mut report = Report::default();
    let users = Synthetic::all();
    let Some(user) = users.first() else { return report };
    let functions = &services.functions;
    let walk = walk::Walk { app, functions, deployed, user, request_id, with_second_factor: false };
    match tokio::time::timeout(WALK.min(time), walk.standby(&mut report)).await {
        Ok(Ok(())) => report.passed = true,
        Ok(Err(failure)) => report.fail(failure.step, failure.function, failure.reason),
        Err(_) => report.fail("standby", None, "it took too long"),
    }
    report
}

/// Asks the table once more where it did not answer: what was unlucky once must not take a release back.
async fn once_more<T, Asking>(ask: impl Fn() -> Asking) -> Result<T, StoreError>
where
    Asking: Future<Output = Result<T, StoreError>>,
{
    match ask().await {
        Err(StoreError::Unavailable(cause)) => {
            tracing::warn!(cause, "the table did not answer at once");
            ask().await
        }
        asked => asked,
    }
}

/// A user that nobody plays, and the name that it is now leased under. Waits until there is one.
async fn lease(app: &App) -> Result<(Synthetic, String), Fault> {
    let holder = hex(&app.entropy.bytes::<16>()?);
    let mut users = Synthetic::all();
    // Runs that begin together do not all ask for the same.
    let first = usize::from(app.entropy.bytes::<1>()?[0]) % users.len().max(1);
    users.rotate_left(first);
    loop {
        for user in &users {
            let now = app.clock.now();
            let lease = once_more(|| app.store.lease_synthetic(user, &holder, now.plus(LEASE), now));
            if lease.await? == Lease::Taken {
                return Ok((user.clone(), holder));
            }
        }
        pause().await;
    }
}

#[expect(clippy::disallowed_methods, reason = "another process gives a user back, and cannot tell us")]
async fn pause() {
    tokio::time::sleep(PAUSE).await;
}
