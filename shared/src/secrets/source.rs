//! Where rings are read from.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::aws::{self, Connection, OnFirstUse};
use crate::config;
use crate::secrets::RingName;

/// What Secrets Manager says of a secret without a value.
const EMPTY: &str = "ResourceNotFoundException";

/// Why there is no ring. Never holds any of a ring's content.
#[derive(Debug, Error)]
pub enum SecretsError {
    /// Nothing says where the keys are.
    #[error("no source of keys is configured: set AUTH__SECRETS__PREFIX or AUTH__SECRETS__FOLDER")]
    NoSource,
    /// The source does not answer, or does not have the ring yet.
    #[error("cannot read {secret}: {cause}")]
    Unavailable {
        /// Which secret.
        secret: String,
        /// What went wrong.
        cause: String,
    },
    /// The source refuses: the role lacks a right.
    #[error("the source refuses {secret}: {code}")]
    Refused {
        /// Which secret.
        secret: String,
        /// Secrets Manager's error code.
        code: String,
    },
    /// Others than the file's owner could read the ring, or put another in its place.
    #[error("{secret} has mode {mode:04o}: nobody but its owner and group may read it, nobody but its owner write it")]
    Exposed {
        /// Which file.
        secret: String,
        /// Its permissions.
        mode: u32,
    },
    /// Another run has changed the secret first.
    #[error("{secret} was changed by another run: {code}")]
    Conflict {
        /// Which secret.
        secret: String,
        /// Secrets Manager's error code.
        code: String,
    },
    /// The ring has no room in a secret.
    #[error("{secret} is full: it has {keys} keys")]
    Full {
        /// Which secret.
        secret: String,
        /// How many keys it would have.
        keys: usize,
    },
    /// The source answers something else.
    #[error("{secret} is not a key ring")]
    Malformed {
        /// Which secret.
        secret: String,
    },
}

impl SecretsError {
    /// Whether the ring still waits for its first key.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Unavailable { cause, .. } if cause == EMPTY)
    }
}

/// A source of rings.
#[derive(Debug, Clone)]
pub enum SecretSource {
    /// Secrets Manager, one secret object a ring.
    Manager {
        /// The client.
        client: OnFirstUse<Client>,
        /// What every secret's name begins with.
        prefix: String,
    },
    /// A JSON file with one member a ring: stage development only (PL-06).
    File(PathBuf),
    /// A folder with a file for each ring.
    Folder(PathBuf),
    /// None is configured: whatever needs a ring says so.
    None,
}

impl SecretSource {
    /// The source that the configuration names.
    pub fn new(config: &config::Config, connection: Connection) -> Self {
        let config::Secrets { file, folder, prefix, .. } = &config.secrets;
        match (file, folder, prefix) {
            (Some(file), ..) => Self::File(file.clone()),
            (None, Some(folder), _) => Self::Folder(folder.clone()),
            (None, None, Some(prefix)) => {
                let aws = config.aws;
                let client = aws::on_first_use(move || {
                    let mut builder = aws::builder!(aws_sdk_secretsmanager, connection, aws);
                    builder.set_endpoint_url(connection.endpoints.secrets_manager.clone());
                    Client::from_conf(builder.build())
                });
                Self::Manager { client, prefix: prefix.clone() }
            }
            (None, None, None) => Self::None,
        }
    }

    pub(super) async fn read<T: DeserializeOwned>(&self, ring: RingName) -> Result<T, SecretsError> {
        Box::pin(self.text(ring)).await?.parsed()
    }

    /// Not generic, so that what asks is linked once and not for each kind of ring.
    async fn text(&self, ring: RingName) -> Result<Text, SecretsError> {
        match self {
            Self::Manager { client, prefix } => from_manager(client, format!("{prefix}{}", ring.name())).await,
            Self::File(path) => from_file(path, ring),
            Self::Folder(folder) => from_folder(folder, ring),
            Self::None => Err(SecretsError::NoSource),
        }
    }
}

/// A ring as its source has it.
struct Text {
    /// What messages call it.
    secret: String,
    json: Zeroizing<Vec<u8>>,
}

impl Text {
    fn parsed<T: DeserializeOwned>(self) -> Result<T, SecretsError> {
        serde_json::from_slice(&self.json).map_err(|_| SecretsError::Malformed { secret: self.secret })
    }
}

async fn from_manager(client: &Client, secret: String) -> Result<Text, SecretsError> {
    match client.get_secret_value().secret_id(&secret).send().await {
        Ok(output) => Ok(Text { secret, json: Zeroizing::new(output.secret_string.unwrap_or_default().into_bytes()) }),
        Err(error) => Err(failed(&secret, &error)),
    }
}

/// Why Secrets Manager has not done what it was asked for.
pub(super) fn failed<E, R>(secret: &str, error: &SdkError<E, R>) -> SecretsError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    let secret = secret.to_owned();
    match error.as_service_error().and_then(|error| error.code()) {
        // A secret without a value waits for its first rotation.
        Some(code @ (EMPTY | "InternalServiceError" | "ThrottlingException")) => {
            SecretsError::Unavailable { secret, cause: code.to_owned() }
        }
        Some(code) => SecretsError::Refused { secret, code: code.to_owned() },
        None => SecretsError::Unavailable { secret, cause: error.to_string() },
    }
}

fn from_file(path: &Path, ring: RingName) -> Result<Text, SecretsError> {
    let secret = format!("{} in {}", ring.name(), path.display());
    // A small local file: reading it blocks for microseconds, and only in development.
    let text = match std::fs::read(path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) => return Err(SecretsError::Unavailable { secret, cause: error.to_string() }),
    };
    // Not through serde_json::Value, which would leave copies of the other rings behind.
    let members: Option<std::collections::BTreeMap<String, &RawValue>> = serde_json::from_slice(&text).ok();
    let member = members.as_ref().and_then(|members| members.get(ring.name()));
    match member {
        Some(raw) => Ok(Text { secret, json: Zeroizing::new(raw.get().as_bytes().to_vec()) }),
        None => Err(SecretsError::Malformed { secret }),
    }
}

/// Kubernetes puts a new ring in place of the old one by a link: the path is followed each time.
fn from_folder(folder: &Path, ring: RingName) -> Result<Text, SecretsError> {
    /// Reading by everybody, and writing by others than the owner.
    const OTHERS: u32 = 0o026;
    let path = folder.join(ring.name());
    let secret = path.display().to_string();
    let unavailable = |cause: io::Error| SecretsError::Unavailable { secret: secret.clone(), cause: cause.to_string() };
    let mut file = File::open(&path).map_err(unavailable)?;
    let mode = file.metadata().map_err(unavailable)?.permissions().mode() & 0o777;
    if mode & OTHERS != 0 {
        return Err(SecretsError::Exposed { secret, mode });
    }
    let mut text = Zeroizing::new(Vec::new());
    file.read_to_end(&mut text).map_err(unavailable)?;
    Ok(Text { secret, json: text })
}

#[cfg(test)]
mod tests;
