//! Whether every ring that is used can be read, and has a key for what is made now.

use std::fmt::Display;

use wardgate::app::App;
use wardgate::domain::timestamp::Timestamp;
use wardgate::secrets::{RingName, SecretsError};

use super::Fault;
use crate::endpoints::ENDPOINTS;

const SOURCE: &str = "put a file for each ring into the folder of AUTH__SECRETS__FOLDER, or set AUTH__SECRETS__PREFIX to where \
                      Secrets Manager has them";
const RING: &str = "give the ring a key whose time is now (docs/operations/rotation.md)";

pub(super) async fn faults(app: &App) -> Vec<Fault> {
    let now = app.clock.now();
    let mut faults = Vec::new();
    let is_needed = |ring: &RingName| ENDPOINTS.iter().any(|(endpoint, _)| endpoint.needs.rings.contains(ring));
    for ring in RingName::ROTATING.into_iter().chain([RingName::PublicKeys]).filter(is_needed) {
        match usable(app, ring, now).await {
            Ok(Ok(())) => {}
            Ok(Err(without)) => faults.push(Fault::lasting(about(ring), without, RING)),
            Err(SecretsError::NoSource) => {
                return vec![Fault::lasting("keys", "no source of keys is configured", SOURCE)];
            }
            Err(error @ SecretsError::Unavailable { .. }) => faults.push(Fault::passing(about(ring), error, SOURCE)),
            Err(error) => faults.push(Fault::lasting(about(ring), error, SOURCE)),
        }
    }
    faults
}

fn about(ring: RingName) -> String {
    format!("key ring {}", ring.name())
}

/// Whether the ring can be read, and then whether it has a current key.
async fn usable(app: &App, ring: RingName, now: Timestamp) -> Result<Result<(), String>, SecretsError> {
    fn found<K, E: Display>(current: Result<K, E>) -> Result<(), String> {
        current.map(|_| ()).map_err(|error| error.to_string())
    }
    let (secrets, algorithm) = (&app.secrets, app.config.tokens.algorithm);
    Ok(match ring {
        RingName::Signing => found(secrets.signing(now).await?.current(algorithm, now)),
        RingName::PublicKeys => found(secrets.public_keys(now).await?.ring.current(algorithm, now)),
        RingName::SessionMac => found(secrets.session_mac(now).await?.current(now)),
        RingName::LoginMac => found(secrets.login_mac(now).await?.current(now)),
        RingName::MailMac => found(secrets.mail_mac(now).await?.current(now)),
        RingName::PasswordWrap => found(secrets.password_wrap(now).await?.current(now)),
        RingName::FactorWrap => found(secrets.factor_wrap(now).await?.current(now)),
    })
}
