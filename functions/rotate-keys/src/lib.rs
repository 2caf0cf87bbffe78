//! Makes the next keys: the four steps of a rotation by Secrets Manager, and what an operator asks for.

use serde::{Deserialize, Serialize};
use wardgate::app::App;
use wardgate::app::Needs;
use wardgate::crypto::rotation::{Change, Generate};
use wardgate::fault::Fault;
use wardgate::lambda::EventFunction;
use wardgate::use_cases::rotate_keys::{Keys, Step, list_keys, retire_key, rotate_keys};

/// What Secrets Manager and operators ask. What makes private keys is a part of its own, so that tests have theirs made
/// beforehand.
pub const FUNCTION: EventFunction<RotationEvent, Generate, Answer> = EventFunction {
    name: "rotate-keys",
    // Rings are read as they are at that moment, never from a cache; and of the tables it writes a line of one.
    needs: |_| Ok(Needs { rings: &[], table: false }),
    parts: |_, _| Ok(wardgate_generate::generate),
    handler: |app, generate, event| Box::pin(handle(app, *generate, event)),
};

/// What is to be done.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum RotationEvent {
    /// One of Secrets Manager's four steps.
    Step(StepEvent),
    /// Takes a key out of use at once.
    Retire {
        /// Which.
        retire: RetiredKey,
    },
    /// Says which keys there are, without what is secret about them.
    List {
        /// The ring's name.
        list: String,
    },
}

/// As Secrets Manager sends it; what else it sends does not matter.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct StepEvent {
    /// The secret's ARN or name.
    pub secret_id: String,
    /// The version that the rotation makes.
    pub client_request_token: String,
    /// What to do.
    pub step: Step,
}

/// A key to take out of use.
#[derive(Debug, Deserialize)]
pub struct RetiredKey {
    /// The ring's name.
    pub ring: String,
    /// The key's name, or `all`.
    pub kid: String,
}

/// What was done.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// The step.
    Done {
        /// Of which ring.
        ring: &'static str,
        /// What.
        step: Step,
    },
    /// The keys that there are now.
    Keys(Keys),
}

async fn handle(app: &App, generate: Generate, event: RotationEvent) -> Result<Answer, Fault> {
    match event {
        RotationEvent::Step(StepEvent { secret_id, client_request_token, step }) => {
            let ring = rotate_keys(app, &secret_id, &client_request_token, step, generate).await?;
            Ok(Answer::Done { ring: ring.name(), step })
        }
        RotationEvent::Retire { retire: RetiredKey { ring, kid } } => {
            let change = if kid == "all" { Change::RetireAll } else { Change::Retire(kid) };
            retire_key(app, &ring, &change, generate).await.map(Answer::Keys)
        }
        RotationEvent::List { list } => list_keys(app, &list).await.map(Answer::Keys),
    }
}
