//! OAuth clients to try things with, of which one has a secret that everybody knows (PL-06).

use thiserror::Error;
use wardgate::app::App;
use wardgate::domain::language::Language;
use wardgate::domain::oauth::client::{ClientId, InvalidClientId};
use wardgate::domain::origin::Origin;
use wardgate::domain::request_context::RequestContext;
use wardgate::use_cases::clients::{ClientsError, Registry, carry_out, give_secret, plan};

/// The client that keeps a secret.
pub const WITH_SECRET: &str = "demo-web";
/// Its secret.
pub const SECRET: &str = "wgcs_demo-web-of-stage-development";

const CLIENTS: &str = include_str!("../../../config/development-clients.toml");

/// Why there are no demo clients.
#[derive(Debug, Error)]
pub enum DemoClientsError {
    /// The file is none.
    #[error("config/development-clients.toml: {0}")]
    File(#[from] toml::de::Error),
    /// [`WITH_SECRET`] is no id.
    #[error(transparent)]
    Id(#[from] InvalidClientId),
    /// They cannot be saved.
    #[error(transparent)]
    Clients(#[from] ClientsError),
}

/// Adds those that are not there. What somebody has changed or added stays.
pub async fn ensure(app: &App) -> Result<(), DemoClientsError> {
    let context = RequestContext {
        now: app.clock.now(),
        origin: Origin::new(None, None),
        language: Language::default(),
        request_id: "demo-clients".to_owned(),
    };
    let registry: Registry = toml::from_str(CLIENTS)?;
    let steps = plan(app, &registry, false).await?;
    for step in steps.iter().filter(|step| step.is_new) {
        carry_out(app, &context, step).await?;
        if step.name() == WITH_SECRET {
            give_secret(app, &context, &ClientId::parse(WITH_SECRET)?, SECRET).await?;
        }
    }
    Ok(())
}
