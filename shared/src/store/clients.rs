//! OAuth clients and resources: items that an operator's file is the source of, each written at the version that was read.
//! A partition lists them all, so that nobody has to look through the whole table.

use serde::{Deserialize, Serialize};

use crate::domain::audit::AuditEntry;
use crate::domain::oauth::client::{Client, ClientId};
use crate::domain::oauth::resource::{Resource, ResourceUri};
use crate::store::Store;
use crate::store::attributes::number;
use crate::store::error::StoreError;
use crate::store::keys::Key;
use crate::store::read::Pages;
use crate::store::write::Part;

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// It is written.
    Saved,
    /// Somebody else has changed it since it was read: nothing is written.
    ChangedMeanwhile,
}

/// A line of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Registered {
    /// A client.
    Client(ClientId),
    /// A resource.
    Resource(ResourceUri),
}

impl Registered {
    fn keys(&self) -> (Key, Key) {
        match self {
            Self::Client(id) => (Key::client(id), Key::registered_client(id)),
            Self::Resource(uri) => (Key::resource(uri), Key::registered_resource(uri)),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Line {
    registered: Registered,
}

impl Store {
    /// Reads a client.
    pub async fn read_client(&self, id: &ClientId) -> Result<Option<Client>, StoreError> {
        self.read(&Key::client(id)).await
    }

    /// Reads a resource, whichever spelling of it is asked for.
    pub async fn read_resource(&self, uri: &ResourceUri) -> Result<Option<Resource>, StoreError> {
        self.read(&Key::resource(uri)).await
    }

    /// All of both, by name.
    pub async fn registered(&self) -> Result<Vec<Registered>, StoreError> {
        let mut pages = Pages::of(self.partition(&Key::registered()));
        let mut found = Vec::new();
        while let Some(lines) = pages.read_next::<Line>().await? {
            found.extend(lines.into_iter().map(|line| line.registered));
        }
        Ok(found)
    }

    /// Writes a client, whose version is the one after that which was read: 1 where there was none (OC-52).
    pub async fn save_client(&self, client: &Client, audit: &AuditEntry) -> Result<Saved, StoreError> {
        let name = Registered::Client(client.registration.id.clone());
        self.save_registered(&name, client, client.version, audit).await
    }

    /// As [`Self::save_client`].
    pub async fn save_resource(&self, resource: &Resource, audit: &AuditEntry) -> Result<Saved, StoreError> {
        let name = Registered::Resource(resource.registration.uri.clone());
        self.save_registered(&name, resource, resource.version, audit).await
    }

    async fn save_registered<T: Serialize>(
        &self,
        name: &Registered,
        item: &T,
        version: u64,
        audit: &AuditEntry,
    ) -> Result<Saved, StoreError> {
        let (key, line) = name.keys();
        let put = self.put(&key, item, None)?;
        let put = match version {
            0 | 1 => put.given_none(),
            _ => put.given("#version = :read").with([(":read", number(version - 1))]),
        };
        let line = self.put(&line, &Line { registered: name.clone() }, None)?;
        self.registered_transaction([put.into(), line.into()], audit).await
    }

    /// Deletes a client or a resource that is of this version (OC-52).
    pub async fn delete_registered(
        &self,
        name: &Registered,
        version: u64,
        audit: &AuditEntry,
    ) -> Result<Saved, StoreError> {
        let (key, line) = name.keys();
        let delete = self.delete(&key).given("#version = :read").with([(":read", number(version))]);
        self.registered_transaction([delete.into(), self.delete(&line).into()], audit).await
    }

    async fn registered_transaction(&self, parts: [Part; 2], audit: &AuditEntry) -> Result<Saved, StoreError> {
        Ok(self.transact(parts, audit).await?.either(Saved::Saved, Saved::ChangedMeanwhile))
    }
}
