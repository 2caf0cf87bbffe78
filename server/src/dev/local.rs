//! What a laptop has instead of AWS, started together: the data folder, keys, the embedded store and its tables.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;
use wardgate::app::App;
use wardgate::aws::Connection;
use wardgate::clock::{Clock as _, SystemClock};
use wardgate::config::Config;
use wardgate::entropy::SystemEntropy;

use crate::dev::engine::{self, Engine};
use crate::dev::outbox::Outbox;
use crate::dev::pump::Pump;
use crate::dev::{DevError, claim_folder, keys, permit};

/// The running parts. The folder stays claimed until they stop.
pub struct Local {
    /// How to reach the store.
    pub connection: Connection,
    engine: Engine,
    stop: watch::Sender<bool>,
    folder: PathBuf,
    _claim: File,
}

impl Local {
    /// Starts everything over the folder, and points the configuration to the keys in it unless it names others.
    pub async fn start(config: &mut Config, folder: &Path) -> Result<Self, DevError> {
        permit(config)?;
        let claim = claim_folder(folder)?;
        let key_file = config.secrets.file.get_or_insert_with(|| folder.join("secrets.json"));
        keys::ensure(key_file, SystemClock.now(), &SystemEntropy)?;
        // Its own signal: the engine outlives whoever uses it.
        let (stop, stopping) = watch::channel(false);
        let engine = engine::start(Some(&folder.join("store.sqlite")), stopping).await?;
        let connection = Connection::local(engine.endpoint_url.clone());
        engine::create_tables(&connection, config).await?;
        Ok(Self { connection, engine, stop, folder: folder.to_owned(), _claim: claim })
    }

    /// What carries changes of the table on, and where mails end.
    pub fn pump(&self, app: &Arc<App>) -> (Arc<Pump>, Arc<Outbox>) {
        let outbox = Arc::new(Outbox::default());
        let position = self.folder.join("stream.position");
        let transport = Box::new(Arc::clone(&outbox));
        let pump = Pump::new(Arc::clone(app), self.engine.streams.clone(), transport, Some(position));
        (Arc::new(pump), outbox)
    }

    /// Writes the variables that make a function use these parts, for `cargo lambda watch --env-file`, after those that
    /// this process has from a file of its own.
    pub fn write_env_file(&self, config: &Config, from_file: &BTreeMap<String, String>) -> Result<EnvFile, DevError> {
        let failed = |cause| DevError::Folder { folder: self.folder.clone(), cause };
        // Absolute: a function's working directory is its host's affair.
        let keys = config.secrets.file.as_deref().map(std::path::absolute).transpose().map_err(failed)?;
        let from_file: Vec<String> = from_file.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        let text = format!(
            "{from_file}WARDGATE_ENGINE_PID={pid}\nAUTH__STAGE={stage}\nAUTH__HTTP__PORT={port}\nAUTH__SECRETS__FILE={keys}\n\
             AUTH__AUTHORIZER__AUDIENCE={audience}\nAWS_REGION={region}\nAWS_ACCESS_KEY_ID=local\n\
             AWS_SECRET_ACCESS_KEY=local\nAWS_ENDPOINT_URL_DYNAMODB={engine}\n",
            from_file = from_file.concat(),
            pid = std::process::id(),
            stage = config.stage.name(),
            port = config.http.port,
            keys = keys.unwrap_or_default().display(),
            // Unless another is configured, the authorizer guards what this very issuer's tokens are for.
            audience = config.authorizer.audience.as_deref().unwrap_or(&config.tokens.audience),
            region = self.connection.region,
            engine = self.engine.endpoint_url,
        );
        let file = self.folder.join("functions.env");
        // Written whole under another name first: whoever waits for the file finds all of it.
        let fresh = file.with_extension("new");
        std::fs::write(&fresh, text).and_then(|()| std::fs::rename(&fresh, &file)).map_err(failed)?;
        Ok(EnvFile(file))
    }

    /// Stops the engine. It waits for connections to close: drop every client before.
    pub async fn stop(self) -> Result<(), DevError> {
        // An engine that is gone already needs no signal.
        let _ = self.stop.send(true);
        let ended = self.engine.task.await.map_err(|error| error.to_string());
        ended.and_then(std::convert::identity).map_err(DevError::Engine)
    }
}

/// The file of variables. It says that the engine runs, so it is deleted with this.
#[derive(Debug)]
pub struct EnvFile(PathBuf);

impl Drop for EnvFile {
    fn drop(&mut self) {
        // Without the file there is nothing to delete; with a wrong one, the next start writes over it.
        let _ = std::fs::remove_file(&self.0);
    }
}
