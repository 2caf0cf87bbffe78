//! Making new keys, in the four steps that Secrets Manager asks for one after the other, and taking keys out of use.
//!
//! A step may be repeated, come late or out of order, and end between any two requests. What it finds decides: the
//! version that is to be made, the version that it was made from, and which of them readers get. Nothing is done twice,
//! and of two runs at a time one finds that the ring is no longer what it began with.

mod steps;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::crypto::key_ring::{MacKey, SigningKey, WrapKey};
use crate::crypto::rotation::error::RotationError;
use crate::crypto::rotation::{Change, Generate, KeyTimes, RotatingKey, Terms};
use crate::domain::hex;
use crate::fault::Fault;
use crate::secrets::RingName;
use crate::telemetry::metrics;
use steps::Rotation;

/// Secrets Manager's steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Step {
    /// Makes the next ring, beside the present one.
    CreateSecret,
    /// Publishes what others need before it is used.
    SetSecret,
    /// Tries every key.
    TestSecret,
    /// Makes it the ring that everybody gets.
    FinishSecret,
}

/// A ring's keys, without what is secret about them.
#[derive(Debug, Serialize)]
pub struct Keys {
    /// The ring's name.
    pub ring: &'static str,
    /// The version of its secret.
    pub version: Option<String>,
    /// What was just taken out of use.
    pub retired: Vec<String>,
    /// In no particular order.
    pub keys: Vec<KeyTimes>,
}

/// Does one step for the secret of this ARN or name, and says which ring it is.
pub async fn rotate_keys(
    app: &App,
    secret_id: &str,
    token: &str,
    step: Step,
    generate: Generate,
) -> Result<RingName, Fault> {
    let ring = ring_of_secret(app, secret_id).ok_or(RotationError::NotARing)?;
    perform(app, ring, Task::Step(step, token), generate).await?;
    Ok(ring)
}

/// Takes keys out of use at once. What they made is refused from then on, as far as nobody has it cached. A key that is
/// not there changes nothing, except that an earlier run is brought to its end.
pub async fn retire_key(app: &App, ring: &str, change: &Change, generate: Generate) -> Result<Keys, Fault> {
    // A version's name has 32 to 64 characters.
    let token = hex(&app.entropy.bytes::<16>()?);
    perform(app, named(ring)?, Task::Retire(change, &token), generate).await
}

/// The keys that there are.
pub async fn list_keys(app: &App, ring: &str) -> Result<Keys, Fault> {
    let nothing_new: Generate = |_| Err(crate::crypto::rotation::NotGenerated);
    perform(app, named(ring)?, Task::List, nothing_new).await
}

/// What to do with a ring, whatever its keys are.
#[derive(Clone, Copy)]
enum Task<'a> {
    Step(Step, &'a str),
    Retire(&'a Change, &'a str),
    List,
}

async fn perform(app: &App, ring: RingName, task: Task<'_>, generate: Generate) -> Result<Keys, Fault> {
    let done = match ring {
        RingName::Signing => run::<SigningKey>(app, ring, task, generate).await,
        RingName::SessionMac | RingName::LoginMac | RingName::MailMac => run::<MacKey>(app, ring, task, generate).await,
        RingName::PasswordWrap | RingName::FactorWrap => run::<WrapKey>(app, ring, task, generate).await,
        RingName::PublicKeys => Err(RotationError::NotARing.into()),
    };
    match (task, &done) {
        (Task::Step(Step::FinishSecret, _) | Task::Retire(..), Ok(_)) => {
            metrics::rotation(ring.name(), metrics::Rotation::Done);
        }
        (Task::Step(..) | Task::Retire(..), Err(_)) => metrics::rotation(ring.name(), metrics::Rotation::Failed),
        _ => {}
    }
    done
}

async fn run<K: RotatingKey>(app: &App, ring: RingName, task: Task<'_>, generate: Generate) -> Result<Keys, Fault> {
    let rotation = Rotation::<K>::new(app, ring, terms(app, ring), generate)?;
    match task {
        Task::Step(Step::CreateSecret, token) => rotation.create(token).await?,
        Task::Step(Step::SetSecret, token) => rotation.set(token).await?,
        Task::Step(Step::TestSecret, token) => rotation.test(token).await?,
        Task::Step(Step::FinishSecret, token) => rotation.finish(token).await?,
        Task::Retire(change, token) => rotation.retire(change, token).await?,
        Task::List => {}
    }
    match task {
        Task::Step(..) => Ok(Keys { ring: ring.name(), version: None, retired: Vec::new(), keys: Vec::new() }),
        Task::Retire(_, token) => rotation.keys(Some(token)).await,
        Task::List => rotation.keys(None).await,
    }
}

/// How long the keys of a ring are told of before they sign, and what they make is used.
pub fn terms(app: &App, ring: RingName) -> Terms {
    let (accounts, config) = (&app.config.accounts, &app.config);
    let seconds = match ring {
        RingName::Signing | RingName::PublicKeys => config.tokens.access_seconds,
        // Refresh tokens, and device tokens, which live as long from each sign-in.
        RingName::SessionMac => config.sessions.absolute_seconds,
        RingName::LoginMac => accounts.verification_seconds,
        RingName::MailMac => [
            accounts.verification_seconds,
            accounts.reset_seconds,
            accounts.email_code_seconds,
            accounts.email_change_seconds,
            accounts.email_undo_seconds,
            accounts.deletion_grace_seconds,
        ]
        .into_iter()
        .fold(0, u64::max),
        RingName::PasswordWrap | RingName::FactorWrap => 0,
    };
    Terms { notice: app.secrets.longest_use(), token_life: Duration::from_secs(seconds) }
}

fn named(ring: &str) -> Result<RingName, RotationError> {
    RingName::ROTATING.into_iter().find(|known| known.name() == ring).ok_or(RotationError::NotARing)
}

/// The ring whose secret this is. An ARN ends in the secret's name and six characters of Secrets Manager's own.
fn ring_of_secret(app: &App, secret_id: &str) -> Option<RingName> {
    let prefix = app.config.secrets.prefix.as_deref()?;
    let name = match secret_id.strip_prefix("arn:") {
        Some(arn) => arn.splitn(6, ':').last()?,
        None => secret_id,
    };
    let name = name.strip_prefix(prefix)?;
    let is = |ring: &RingName| {
        let rest = name.strip_prefix(ring.name())?;
        let suffix = rest.strip_prefix('-').is_some_and(|suffix| suffix.len() == 6);
        (rest.is_empty() || suffix && secret_id.starts_with("arn:")).then_some(())
    };
    RingName::ROTATING.into_iter().find(|ring| is(ring).is_some())
}
