//! What each function was seen to ask of tables and secrets: what its role lets it ask.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::permissions::{Uses, everything};

/// Of each function.
pub type Grants = BTreeMap<String, Granted>;

/// What a function may do: actions without the service before them.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub struct Granted {
    /// To which key rings.
    pub secrets: BTreeMap<String, BTreeSet<String>>,
    /// In which partitions of which table; "" is all of it, for what asks for none.
    pub tables: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
}

/// From a run through every branch (`tests/permissions`).
pub async fn recorded() -> Grants {
    everything().await.uses.iter().map(|(name, uses)| ((*name).to_owned(), granted(uses))).collect()
}

fn granted(uses: &Uses) -> Granted {
    let mut granted = Granted::default();
    for access in uses {
        let (service, action) = access.action.split_once(':').unwrap();
        let actions = if service == "secretsmanager" {
            granted.secrets.entry(access.resource.clone()).or_default()
        } else {
            let partitions = granted.tables.entry(access.resource.clone()).or_default();
            partitions.entry(access.partition.clone()).or_default()
        };
        actions.insert(action.to_owned());
    }
    granted
}
