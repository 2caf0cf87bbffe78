//! The deployment that a command is about.

use std::collections::BTreeMap;
use std::sync::Arc;

use wardgate::app::{App, Host};
use wardgate::aws::Connection;
use wardgate::clock::{Clock as _, SystemClock};
use wardgate::config::Config;
use wardgate::current::apply;
use wardgate::domain::language::Language;
use wardgate::domain::origin::Origin;
use wardgate::domain::request_context::RequestContext;
use wardgate::entropy::SystemEntropy;
use wardgate_server::host;

use crate::Failure;
use crate::arguments::StageName;

/// An open deployment.
pub struct Deployment {
    /// Its parts.
    pub app: Arc<App>,
    local: Option<local::Local>,
}

impl StageName {
    /// As in `AUTH__STAGE`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }
}

/// Where what an operator types comes from, as the trail has it.
pub fn by_hand() -> RequestContext {
    RequestContext {
        now: SystemClock.now(),
        origin: Origin::new(None, None),
        language: Language::default(),
        request_id: "wardgate-operate".to_owned(),
    }
}

impl Deployment {
    /// Opens it: the store and keys of `make run` in development, AWS elsewhere.
    pub async fn open(stage: StageName) -> Result<Self, Failure> {
        Self::opened(stage, None).await
    }

    /// Opens a copy of its table. The copy is its own trail, which no configuration may say of the real one: the lines
    /// about what never happened to the stage go with it.
    pub async fn open_copy(stage: StageName, table: &str) -> Result<Self, Failure> {
        Self::opened(stage, Some(table)).await
    }

    async fn opened(stage: StageName, copy: Option<&str>) -> Result<Self, Failure> {
        let (mut config, environment) = configuration(stage)?;
        if let Some(copy) = copy {
            copy.clone_into(&mut config.store.table);
            copy.clone_into(&mut config.store.audit_table);
        }
        let (connection, local) = match config.embedded.folder.clone() {
            Some(folder) => {
                let local = local::start(&mut config, &folder).await?;
                (local.connection.clone(), Some(local))
            }
            None => (host::connection(|name| environment.get(name).cloned()).await?, None),
        };
        let deployed = app(config, connection)?;
        // A table that does not say what is set might have said that nothing is to be imported.
        let set = deployed.store.settings().await?.unwrap_or_default();
        Ok(Self { app: Arc::new(apply(&deployed, &set)?), local })
    }

    /// Its parts, without a look at its store, which may not have a table yet.
    pub async fn unopened(stage: StageName) -> Result<(App, Connection), Failure> {
        let (config, environment) = configuration(stage)?;
        let connection = host::connection(|name| environment.get(name).cloned()).await?;
        Ok((app(config, connection.clone())?, connection))
    }

    /// Its parts for what asks nothing of AWS, and needs no credentials for that.
    pub fn configured(stage: StageName) -> Result<App, Failure> {
        let (config, _) = configuration(stage)?;
        app(config, Connection::local("http://127.0.0.1:9".to_owned()))
    }

    /// Closes it.
    pub async fn close(self) -> Result<(), Failure> {
        drop(self.app);
        match self.local {
            Some(local) => local::stop(local).await,
            None => Ok(()),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a host reads the environment once, here")]
fn configuration(stage: StageName) -> Result<(Config, BTreeMap<String, String>), Failure> {
    let environment = local::environment(stage, std::env::vars().collect())?;
    let config = Config::load(variables(stage, &environment))?;
    Ok((config, environment))
}

fn app(config: Config, connection: Connection) -> Result<App, Failure> {
    // An import hashes nothing; a seed does, once for each of its people.
    let hashing_slots = std::thread::available_parallelism().map_or(1, usize::from);
    let host = Host { connection, clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy), hashing_slots };
    Ok(App::new(config, host)?)
}

/// The environment, with what it lacks for this: no token is issued here, and nobody waits for one row.
fn variables(stage: StageName, environment: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut variables = environment.clone();
    variables.insert("AUTH__STAGE".to_owned(), stage.name().to_owned());
    let mut unless_set = |name: &str, value: &str| {
        variables.entry(name.to_owned()).or_insert_with(|| value.to_owned());
    };
    unless_set("AUTH__AWS__ATTEMPT_TIMEOUT_MS", "10000");
    unless_set("AUTH__AWS__OPERATION_TIMEOUT_MS", "60000");
    unless_set("AUTH__AWS__MAX_ATTEMPTS", "10");
    unless_set("AUTH__HTTP__REQUEST_DEADLINE_MS", "120000");
    if stage == StageName::Development {
        if !environment.keys().any(|name| name.starts_with("AWS_ENDPOINT_URL")) {
            unless_set("AUTH__EMBEDDED__FOLDER", ".wardgate");
        }
    } else {
        unless_set("AUTH__TOKENS__ISSUER", "https://operate.invalid");
        unless_set("AUTH__TOKENS__AUDIENCE", "https://operate.invalid");
        if !["AUTH__SECRETS__FILE", "AUTH__SECRETS__FOLDER"].iter().any(|name| environment.contains_key(*name)) {
            unless_set("AUTH__SECRETS__PREFIX", &format!("wardgate/{}/", stage.name()));
        }
    }
    variables
}

#[cfg(feature = "dev")]
mod local {
    use std::path::Path;

    use std::collections::BTreeMap;

    use wardgate::config::Config;
    pub(super) use wardgate_server::dev::local::Local;
    use wardgate_server::env_file::Environment;

    use crate::Failure;
    use crate::arguments::StageName;

    /// With what `make run` has from `.env`: it is the same store.
    pub(super) fn environment(
        stage: StageName,
        mut real: BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, Failure> {
        real.insert("AUTH__STAGE".to_owned(), stage.name().to_owned());
        Ok(Environment::read(real, Some(Path::new(".")))?.variables().collect())
    }

    pub(super) async fn start(config: &mut Config, folder: &Path) -> Result<Local, Failure> {
        Ok(Local::start(config, folder).await?)
    }

    pub(super) async fn stop(local: Local) -> Result<(), Failure> {
        Ok(local.stop().await?)
    }
}

#[cfg(not(feature = "dev"))]
#[expect(clippy::unused_async, reason = "the same shape as with the feature")]
mod local {
    use std::path::Path;

    use std::collections::BTreeMap;

    use wardgate::aws::Connection;
    use wardgate::config::Config;

    use crate::Failure;
    use crate::arguments::StageName;

    #[expect(clippy::unnecessary_wraps, reason = "the same shape as with the feature")]
    pub(super) fn environment(
        _stage: StageName,
        real: BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, Failure> {
        Ok(real)
    }

    pub(super) struct Local {
        pub(super) connection: Connection,
    }

    pub(super) async fn start(_config: &mut Config, _folder: &Path) -> Result<Local, Failure> {
        Err("this build has no embedded store: it needs the cargo feature dev".into())
    }

    pub(super) async fn stop(_local: Local) -> Result<(), Failure> {
        Ok(())
    }
}
