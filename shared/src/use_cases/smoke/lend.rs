//! Lends a synthetic user to whoever tries the stage from outside (`make verify`): an account that a client can sign in to,
//! since nobody reads the mails of its address. The lease ends by itself, and the next run of that user clears it away.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::domain::hex;
use crate::domain::synthetic::Synthetic;
use crate::fault::Fault;
use crate::store::synthetic::Lease;
use crate::use_cases::smoke::walk::Walk;
use crate::use_cases::smoke::{LEASE, Report, Services, lease};

/// A user that is lent, for as long as its lease lasts.
#[derive(Clone, Serialize)]
pub struct Lent {
    /// Which one.
    pub number: u8,
    /// Who has it, for giving it back.
    pub holder: String,
    /// Its address.
    pub email: String,
    /// Its password, of this lease alone.
    pub password: String,
}

impl fmt::Debug for Lent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lent").field("number", &self.number).finish_non_exhaustive()
    }
}

/// A user that comes back before its lease ends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GivenBack {
    /// Which one.
    pub number: u8,
    /// Who had it.
    pub holder: String,
}

/// Makes the account of a user that nobody plays. It has no role.
pub async fn lend(app: &App, services: &Services, request_id: &str) -> Report {
    let mut report = Report::default();
    match lent(app, services, request_id).await {
        Ok(lent) => {
            report.lent = Some(lent);
            report.passed = true;
        }
        Err(reason) => report.fail("lend", None, reason),
    }
    report
}

async fn lent(app: &App, services: &Services, request_id: &str) -> Result<Lent, String> {
    let text = |cause: Fault| cause.to_string();
    let (user, holder) = lease(app).await.map_err(text)?;
    let functions = &services.functions;
    let walk = Walk { app, functions, deployed: None, user: &user, request_id, with_second_factor: false };
    let password = hex(&app.entropy.bytes::<16>().map_err(|cause| cause.to_string())?);
    walk.move_in(&password).await.map_err(|wrong| wrong.reason)?;
    Ok(Lent { number: user.number(), holder, email: user.email().display().to_owned(), password })
}

/// Clears away what a lent user has, and lets others play it. One whose lease has ended is somebody else's by now.
pub async fn give_back(app: &App, back: &GivenBack) -> Report {
    let mut report = Report::default();
    let Some(user) = Synthetic::all().into_iter().find(|user| user.number() == back.number) else {
        report.fail("give back", None, "there is no such user");
        return report;
    };
    match cleared(app, &user, &back.holder).await {
        Ok(()) => report.passed = true,
        Err(cause) => report.fail("give back", None, cause.to_string()),
    }
    report
}

async fn cleared(app: &App, user: &Synthetic, holder: &str) -> Result<(), Fault> {
    let now = app.clock.now();
    // Taken once more by the same holder, or not at all.
    if app.store.lease_synthetic(user, holder, now.plus(LEASE), now).await? == Lease::Taken {
        app.store.erase_synthetic(user).await?;
        app.store.release_synthetic(user, holder).await?;
    }
    Ok(())
}
