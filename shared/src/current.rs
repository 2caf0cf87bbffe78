//! The App as operators have set it up by now.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::time::timeout;

use crate::app::{App, Needs};
use crate::cached::{Ages, Cached};
use crate::config::Config;
use crate::domain::writer::Writer;
use crate::fault::Fault;
use crate::store::error::StoreError;
use crate::store::settings::StoredSettings;
use crate::telemetry;

/// Who has read them within half a minute uses them; who has not for 55 seconds waits for them. So what is set holds
/// everywhere in less than a minute, and an environment that was frozen for an hour does not begin with what was then.
const AGES: Ages = Ages { fresh: Duration::from_secs(30), usable: Duration::from_secs(55) };
/// What is known serves for as long as the table cannot be read.
const STALE: Duration = Duration::from_hours(100 * 365 * 24);
/// A table that does not answer must not keep a request that would have been answered without.
const PATIENCE: Duration = Duration::from_millis(1500);

/// An App, under what operators have set.
#[derive(Clone)]
pub struct Current {
    /// As it was deployed.
    deployed: Arc<App>,
    settings: Option<Arc<Cached<Applied>>>,
}

struct Applied {
    app: Arc<App>,
    version: u64,
    epoch: u64,
}

impl Current {
    /// Follows what operators set, if `needs` has the table. A function without it stays as it was deployed.
    pub fn new(deployed: Arc<App>, needs: Needs) -> Self {
        let settings = needs.table.then(|| {
            let first = Arc::new(Applied { app: Arc::clone(&deployed), version: 0, epoch: 0 });
            Arc::new(Cached::new("settings", STALE, || ()).beginning_with(first))
        });
        Self { deployed, settings }
    }

    /// The App for what begins now.
    pub async fn app(&self) -> Arc<App> {
        let Some(settings) = &self.settings else { return Arc::clone(&self.deployed) };
        let now = self.deployed.clock.now();
        let read = || {
            let (deployed, known) = (Arc::clone(&self.deployed), settings.last());
            async move {
                let read = async { futures::try_join!(deployed.store.settings(), writer(&deployed)) };
                let read = timeout(PATIENCE, read).await.map_err(|_| SLOW.to_owned());
                let (stored, writer) = read?.map_err(|cause| Fault::from(cause).to_string())?;
                let stored = stored.unwrap_or_default();
                let (version, epoch) = (stored.version, writer.as_ref().map_or(0, |writer| writer.epoch));
                let known = known.filter(|known| (known.version, known.epoch) == (version, epoch));
                let known = known.map(|known| Arc::clone(&known.app));
                let app = known.map_or_else(|| applied(&deployed, &stored, writer), Ok)?;
                Ok::<_, String>(Applied { app, version, epoch })
            }
        };
        match settings.get(now, AGES, read).await {
            Ok(applied) => Arc::clone(&applied.app),
            // There is always something known.
            Err(_) => Arc::clone(&self.deployed),
        }
    }

    /// Fetches what an endpoint needs while a cold start waits for nothing else: its rings, and what operators have set,
    /// which opens the connection to the table. What fails is left for the first request to meet.
    pub async fn prefetch(&self, needs: Needs) {
        let now = self.deployed.clock.now();
        let rings = needs.rings.iter().map(|ring| self.deployed.secrets.prefetch(*ring, now));
        futures::join!(futures::future::join_all(rings), self.app());
    }
}

/// Which region writes, where there is a second one. Asked beside the settings, so that a writer that has lost its place
/// stops in less than a minute after it hears, whoever still asks it.
async fn writer(app: &App) -> Result<Option<Writer>, StoreError> {
    // On the heap: few stages have a second region.
    if app.config.region.name.is_none() { Ok(None) } else { Box::pin(app.store.writer()).await }
}

fn applied(deployed: &App, stored: &StoredSettings, writer: Option<Writer>) -> Result<Arc<App>, String> {
    if let Some(writer) = &writer {
        deployed.secrets.settle(writer.since);
    }
    let mut app = Arc::new(apply(deployed, stored)?);
    if let Some(app) = Arc::get_mut(&mut app) {
        app.writer = writer;
    }
    Ok(app)
}

const SLOW: &str = "the table took too long to say what is set";

/// What is set was held to the types and rules of the checkout that set it. Of what another version refuses, such as a
/// switch that the release before did not have, the rest holds all the same.
pub fn apply(deployed: &App, stored: &StoredSettings) -> Result<App, String> {
    let set: Map<String, Value> = match stored.settings.as_str() {
        "" => Map::new(),
        text => serde_json::from_str(text).map_err(|_| format!("version {} is no JSON object", stored.version))?,
    };
    let config = deployed.config.with(&set).unwrap_or_else(|_| one_by_one(&deployed.config, set));
    telemetry::set_level(&config.log.level).map_err(|cause| cause.to_string())?;
    if stored.version > 0 {
        tracing::info!(version = stored.version, "what operators have set is in force");
    }
    Ok(deployed.with(config))
}

fn one_by_one(config: &Config, set: Map<String, Value>) -> Config {
    let mut holds = Map::new();
    let mut best = config.clone();
    for (key, value) in set {
        holds.insert(key.clone(), value);
        match config.with(&holds) {
            Ok(config) => best = config,
            Err(cause) => {
                tracing::error!(key, %cause, "this version refuses what operators have set");
                holds.remove(&key);
            }
        }
    }
    best
}
