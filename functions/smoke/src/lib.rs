//! Tries a new version before anybody else does, as the hook of its deployment; and what is live, for an operator and by a
//! schedule. Lends its users to `make verify`, which tries the same from outside.

use serde::Deserialize;
use wardgate::app::App;
use wardgate::app::Needs;
use wardgate::fault::Fault;
use wardgate::lambda::EventFunction;
use wardgate::outbound::codedeploy::CodeDeploy;
use wardgate::outbound::functions::Functions;
use wardgate::secrets::RingName;
use wardgate::use_cases::smoke::{GivenBack, Hook, Report, Services, give_back, lend, live, pre_traffic, scheduled};

/// What `CodeDeploy` calls.
pub const FUNCTION: EventFunction<Wish, Services, Report> = EventFunction {
    name: "smoke",
    needs: |_| Ok(Needs { rings: &[RingName::PasswordWrap], table: true }),
    parts: |config, connection| {
        Ok(Services { codedeploy: CodeDeploy::new(config, connection), functions: Functions::new(config, connection) })
    },
    handler: |app, services, wish| Box::pin(handle(app, services, wish)),
};

/// What is to be tried.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Wish {
    /// What a deployment deploys.
    Deployment(Hook),
    /// What everybody uses.
    Live(Live),
    /// The same, every few minutes.
    Scheduled(Scheduled),
    /// A user to sign in as.
    Lend(Lend),
    /// That user, who is not needed any more.
    GiveBack(GiveBack),
}

/// The operator's event.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Live {
    /// `true`; nothing else can be asked for.
    pub live: bool,
}

/// The schedule's event.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scheduled {
    /// `true`.
    pub scheduled: bool,
}

/// Asks for a user.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lend {
    /// `true`.
    pub lend: bool,
}

/// Gives one back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GiveBack {
    /// Which one, and who had it.
    pub give_back: GivenBack,
}

async fn handle(app: &App, services: &Services, wish: Wish) -> Result<Report, Fault> {
    match wish {
        Wish::Deployment(hook) => pre_traffic(app, services, &hook).await,
        Wish::Live(_) => Ok(live(app, services, "smoke").await),
        Wish::Scheduled(_) => scheduled(app, services).await,
        Wish::Lend(_) => Ok(lend(app, services, "verify").await),
        Wish::GiveBack(wish) => Ok(give_back(app, &wish.give_back).await),
    }
}
