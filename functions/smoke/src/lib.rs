//! Tries a new version before anybody else does, as the hook of its deployment; and what is live, for an operator.

use serde::Deserialize;
use wardgate::app::App;
use wardgate::app::Needs;
use wardgate::fault::Fault;
use wardgate::lambda::EventFunction;
use wardgate::outbound::codedeploy::CodeDeploy;
use wardgate::outbound::functions::Functions;
use wardgate::secrets::RingName;
use wardgate::use_cases::smoke::{Hook, Report, Services, live, pre_traffic};

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
}

/// The operator's event.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Live {
    /// `true`; nothing else can be asked for.
    pub live: bool,
}

async fn handle(app: &App, services: &Services, wish: Wish) -> Result<Report, Fault> {
    match wish {
        Wish::Deployment(hook) => pre_traffic(app, services, &hook).await,
        Wish::Live(_) => Ok(live(app, services, "smoke").await),
    }
}
