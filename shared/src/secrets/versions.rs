//! A secret's versions and the labels on them, for what makes new keys.
//!
//! Readers get the version with the label `AWSCURRENT`. A new one is put beside it under `AWSPENDING`, and the label is
//! moved from the version that it was made from: of two runs at a time, the second finds the label elsewhere.

use std::collections::BTreeMap;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata as _;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::aws::OnFirstUse;
use crate::domain::timestamp::Timestamp;
use crate::secrets::source::failed;
use crate::secrets::{RingName, SecretsError};

const CURRENT: &str = "AWSCURRENT";
const PENDING: &str = "AWSPENDING";
/// Secrets Manager's answer where a label is not on the version that it is to be taken from.
const REFUSED_MOVE: &str = "InvalidParameterException";
/// What Secrets Manager takes as a value.
const MOST_BYTES: usize = 65_536;

/// A ring as a version of its secret holds it. Readers see its keys alone.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Edition<K> {
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_at: Option<Timestamp>,
    /// The version that it was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<String>,
    /// The keys that were taken out of use at once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retired: Vec<String>,
    /// The ring's.
    pub keys: Vec<K>,
}

/// Which versions a secret has.
#[derive(Debug, Clone, Default)]
pub struct Stages {
    labels: BTreeMap<String, Vec<String>>,
    /// Whether Secrets Manager rotates the secret.
    pub rotates: bool,
}

impl Stages {
    /// The version that readers get.
    pub fn current(&self) -> Option<&str> {
        let mut found = self.labels.iter().filter(|(_, labels)| labels.iter().any(|label| label == CURRENT));
        found.next().map(|(version, _)| version.as_str())
    }

    /// Whether the version is the one that readers get.
    pub fn is_current(&self, version: &str) -> bool {
        self.current() == Some(version)
    }

    /// Whether the version waits to be finished.
    pub fn is_pending(&self, version: &str) -> bool {
        self.labels.get(version).is_some_and(|labels| labels.iter().any(|label| label == PENDING))
    }
}

/// One secret.
#[derive(Debug, Clone)]
pub struct SecretVersions {
    client: OnFirstUse<Client>,
    secret: String,
}

impl SecretVersions {
    pub(super) fn new(client: &OnFirstUse<Client>, prefix: &str, ring: RingName) -> Self {
        Self { client: client.clone(), secret: format!("{prefix}{}", ring.name()) }
    }

    /// The versions that have a label.
    pub async fn stages(&self) -> Result<Stages, SecretsError> {
        let described = self.client.describe_secret().secret_id(&self.secret).send().await;
        let described = described.map_err(|error| failed(&self.secret, &error))?;
        let labels = described.version_ids_to_stages.unwrap_or_default().into_iter().collect();
        Ok(Stages { labels, rotates: described.rotation_enabled.unwrap_or_default() })
    }

    /// What a version holds; `None` if it has no value yet, or does not exist.
    pub async fn read<K: DeserializeOwned>(&self, version: &str) -> Result<Option<Edition<K>>, SecretsError> {
        let Some(value) = self.text(version).await? else { return Ok(None) };
        let malformed = |_| SecretsError::Malformed { secret: self.secret.clone() };
        serde_json::from_str(&value).map(Some).map_err(malformed)
    }

    /// What a version holds, letter by letter: for a copy that is to be the same.
    pub async fn text(&self, version: &str) -> Result<Option<Zeroizing<String>>, SecretsError> {
        let value = match self.client.get_secret_value().secret_id(&self.secret).version_id(version).send().await {
            Ok(output) => Zeroizing::new(output.secret_string.unwrap_or_default()),
            Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception()) => {
                return Ok(None);
            }
            Err(error) => return Err(failed(&self.secret, &error)),
        };
        Ok(Some(value).filter(|value| !value.is_empty()))
    }

    /// Makes a version with this value the one that readers get, whatever they get now. A secret that is gone is made
    /// again, encrypted with `key`.
    pub async fn restore(&self, version: &str, value: &str, key: &str) -> Result<(), SecretsError> {
        let put = self.client.put_secret_value().secret_id(&self.secret).client_request_token(version);
        match put.secret_string(value).version_stages(CURRENT).send().await {
            Ok(_) => {}
            Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception()) => {
                let create = self.client.create_secret().name(&self.secret).client_request_token(version);
                let created = create.secret_string(value).kms_key_id(key).send().await;
                return created.map(drop).map_err(|error| failed(&self.secret, &error));
            }
            Err(error) => return Err(failed(&self.secret, &error)),
        }
        // To Secrets Manager a version that is there already is no news, and its labels stay where they are.
        let stages = self.stages().await?;
        if stages.is_current(version) { Ok(()) } else { self.promote(stages.current(), version).await }
    }

    /// Puts a new version beside the others. One that has a value keeps it.
    pub async fn put<K: Serialize>(&self, version: &str, edition: &Edition<K>) -> Result<(), SecretsError> {
        let malformed = |_| SecretsError::Malformed { secret: self.secret.clone() };
        let value = Zeroizing::new(serde_json::to_string(edition).map_err(malformed)?);
        if value.len() > MOST_BYTES {
            return Err(SecretsError::Full { secret: self.secret.clone(), keys: edition.keys.len() });
        }
        let put = self.client.put_secret_value().secret_id(&self.secret).client_request_token(version);
        match put.secret_string(value.as_str()).version_stages(PENDING).send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_exists_exception()) => Ok(()),
            Err(error) => Err(failed(&self.secret, &error)),
        }
    }

    /// Makes `to` the version that readers get, if until now it is `from`.
    pub async fn promote(&self, from: Option<&str>, to: &str) -> Result<(), SecretsError> {
        let update = self.client.update_secret_version_stage().secret_id(&self.secret).version_stage(CURRENT);
        let update = update.set_remove_from_version_id(from.map(str::to_owned)).move_to_version_id(to);
        match update.send().await {
            Ok(_) => Ok(()),
            // The label is on another version by now: that of somebody else, or ours by a try whose answer was lost.
            Err(error) if error.code() == Some(REFUSED_MOVE) => {
                if self.stages().await?.is_current(to) {
                    return Ok(());
                }
                Err(SecretsError::Conflict { secret: self.secret.clone(), code: REFUSED_MOVE.to_owned() })
            }
            Err(error) => Err(failed(&self.secret, &error)),
        }
    }

    /// Gives up a version that waits, so that another rotation can begin.
    pub async fn abandon(&self, version: &str) -> Result<(), SecretsError> {
        let update = self.client.update_secret_version_stage().secret_id(&self.secret).version_stage(PENDING);
        match update.remove_from_version_id(version).send().await {
            Ok(_) => Ok(()),
            // Somebody else has taken the label.
            Err(error) if error.code() == Some(REFUSED_MOVE) => Ok(()),
            Err(error) => Err(failed(&self.secret, &error)),
        }
    }
}
