//! OAuth clients and resources are what a stage's reviewed file says (OC-52): the difference is planned, shown, and written
//! item by item, each at the version that was read and with a line of the audit trail. Secrets are in no file.

mod check;
mod difference;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::Zeroizing;

use self::check::check;
use self::difference::difference;
use crate::app::App;
use crate::config::ConfigError;
use crate::crypto::client_secret;
use crate::domain::audit::{AuditAction, AuditEntry, Subject};
use crate::domain::hex;
use crate::domain::oauth::client::{Client, ClientId, ClientRegistration, ClientSecret, InvalidClient, MAX_SECRETS};
use crate::domain::oauth::resource::{InvalidResource, Resource, ResourceRegistration};
use crate::domain::request_context::RequestContext;
use crate::fault::{Fault, fault_arm};
use crate::store::clients::{Registered, Saved};

/// What a stage's file says.
#[derive(Debug, Default, Deserialize)]
pub struct Registry {
    /// Its clients.
    #[serde(default, rename = "client")]
    pub clients: Vec<ClientRegistration>,
    /// Its resources.
    #[serde(default, rename = "resource")]
    pub resources: Vec<ResourceRegistration>,
}

/// Why nothing is done, or nothing more.
#[derive(Debug, Error)]
pub enum ClientsError {
    /// What the file says of a client is not possible.
    #[error("client {0}: {1}")]
    Client(String, InvalidClient),
    /// What the file says of a resource is not possible.
    #[error("resource {0}: {1}")]
    Resource(String, InvalidResource),
    /// The brand of the service, which those of clients are held against, is not one.
    #[error(transparent)]
    Brand(ConfigError),
    /// The same name, or the same resource in another spelling.
    #[error("{0} stands twice")]
    Twice(String),
    /// A client asks for what nothing says.
    #[error("client {0}: resources: {1} is no resource of this file, or spelt otherwise there")]
    UnknownResource(String, String),
    /// A token of one kind would be taken for another (OC-34).
    #[error("{0}: this stage's own tokens have it as their audience")]
    OwnAudience(String),
    /// There is no such client.
    #[error("there is no client {0}")]
    NoClient(String),
    /// A client that keeps no secret gets none.
    #[error("client {0} keeps no secret: only those of kind web do")]
    NoSecrets(String),
    /// Two work at once, no more (OC-44).
    #[error("client {0} has {MAX_SECRETS} secrets: drop the one that is out of use first")]
    TooManySecrets(String),
    /// No client has it.
    #[error("no client has a secret {0}")]
    NoSecret(String),
    /// Somebody else was there since it was read. Nothing of it is written.
    #[error("{0} has changed since it was read: look at the difference again")]
    ChangedMeanwhile(String),
    /// Our own failure.
    #[error(transparent)]
    Fault(Fault),
}
fault_arm!(ClientsError);

/// One item that is to change.
#[derive(Debug)]
pub struct Step {
    name: Registered,
    act: Act,
    /// Whether there is no such item yet.
    pub is_new: bool,
    /// What changes, for people: a line that names the item, and one for each member.
    pub difference: String,
}

impl Step {
    /// The client's id, or the resource's URI.
    pub fn name(&self) -> &str {
        match &self.name {
            Registered::Client(id) => id.as_str(),
            Registered::Resource(uri) => uri.as_str(),
        }
    }
}

#[derive(Debug)]
enum Act {
    SaveClient(Box<Client>),
    SaveResource(Box<Resource>),
    Delete(u64),
}

/// Everything that is registered, also what is out of use.
pub async fn registered(app: &App) -> Result<(Vec<Client>, Vec<Resource>), ClientsError> {
    let (mut clients, mut resources) = (Vec::new(), Vec::new());
    for name in app.store.registered().await? {
        match name {
            Registered::Client(id) => clients.extend(app.store.read_client(&id).await?),
            Registered::Resource(uri) => resources.extend(app.store.read_resource(&uri).await?),
        }
    }
    Ok((clients, resources))
}

/// What has to change so that the table says what the file does. What is gone from the file is put out of use, and with
/// `prune` deleted. Resources come before the clients that ask for them.
pub async fn plan(app: &App, registry: &Registry, prune: bool) -> Result<Vec<Step>, ClientsError> {
    check(app, registry)?;
    let (clients, resources) = registered(app).await?;
    let mut steps = Vec::new();
    for new in &registry.resources {
        let old = resources.iter().find(|old| old.registration.uri.hash() == new.uri.hash());
        let version = old.map_or(0, |old| old.version) + 1;
        let item = Resource { registration: new.clone(), disabled: false, version };
        steps.extend(difference(&resource_name(new), old, &item).map(|difference| {
            let act = Act::SaveResource(Box::new(item));
            Step { name: Registered::Resource(new.uri.clone()), act, is_new: old.is_none(), difference }
        }));
    }
    for new in &registry.clients {
        let old = clients.iter().find(|old| old.registration.id == new.id);
        let secrets = old.map_or_else(Vec::new, |old| old.secrets.clone());
        let version = old.map_or(0, |old| old.version) + 1;
        let item = Client { registration: new.clone(), secrets, disabled: false, version };
        steps.extend(difference(&client_name(&new.id), old, &item).map(|difference| {
            let act = Act::SaveClient(Box::new(item));
            Step { name: Registered::Client(new.id.clone()), act, is_new: old.is_none(), difference }
        }));
    }
    for old in clients.iter().filter(|old| !registry.clients.iter().any(|new| new.id == old.registration.id)) {
        let name = client_name(&old.registration.id);
        let disabled = Client { disabled: true, version: old.version + 1, ..old.clone() };
        let gone = leaving(&name, old.version, prune, old, &disabled, |item| Act::SaveClient(Box::new(item)));
        steps.extend(gone.map(|(act, difference)| Step {
            name: Registered::Client(old.registration.id.clone()),
            act,
            is_new: false,
            difference,
        }));
    }
    let is_gone = |old: &&Resource| !registry.resources.iter().any(|new| new.uri.hash() == old.registration.uri.hash());
    for old in resources.iter().filter(is_gone) {
        let name = resource_name(&old.registration);
        let disabled = Resource { disabled: true, version: old.version + 1, ..old.clone() };
        let gone = leaving(&name, old.version, prune, old, &disabled, |item| Act::SaveResource(Box::new(item)));
        steps.extend(gone.map(|(act, difference)| Step {
            name: Registered::Resource(old.registration.uri.clone()),
            act,
            is_new: false,
            difference,
        }));
    }
    Ok(steps)
}

/// Writes one step.
pub async fn carry_out(app: &App, context: &RequestContext, step: &Step) -> Result<(), ClientsError> {
    let action = match step.name {
        Registered::Client(_) => AuditAction::ClientChanged,
        Registered::Resource(_) => AuditAction::ResourceChanged,
    };
    let audit = audited(app, context, action, step.difference.clone())?;
    let saved = match &step.act {
        Act::SaveClient(client) => app.store.save_client(client, &audit).await?,
        Act::SaveResource(resource) => app.store.save_resource(resource, &audit).await?,
        Act::Delete(version) => app.store.delete_registered(&step.name, *version, &audit).await?,
    };
    settled(saved, step.difference.lines().next().unwrap_or_default())
}

/// Gives a client another secret: its id, and the secret itself, which nobody can show again.
pub async fn add_secret(
    app: &App,
    context: &RequestContext,
    id: &ClientId,
) -> Result<(String, Zeroizing<String>), ClientsError> {
    let secret = client_secret::mint(&*app.entropy)?;
    Ok((give_secret(app, context, id, &secret).await?, secret))
}

/// Gives a client this secret, and gives its id.
pub async fn give_secret(
    app: &App,
    context: &RequestContext,
    id: &ClientId,
    secret: &str,
) -> Result<String, ClientsError> {
    let name = id.as_str().to_owned();
    let client = app.store.read_client(id).await?.ok_or_else(|| ClientsError::NoClient(name.clone()))?;
    if !client.registration.kind.has_secrets() {
        return Err(ClientsError::NoSecrets(name));
    }
    if client.secrets.len() >= MAX_SECRETS {
        return Err(ClientsError::TooManySecrets(name));
    }
    let new = ClientSecret {
        id: hex(&app.entropy.bytes::<4>()?),
        sha256: client_secret::digest(secret),
        created_at: context.now,
    };
    let secret_id = new.id.clone();
    let secrets = client.secrets.iter().cloned().chain([new]).collect();
    save_secrets(app, context, client, secrets, &format!("secret {secret_id} added")).await?;
    Ok(secret_id)
}

/// Takes a secret out of use, of whichever client it is.
pub async fn drop_secret(app: &App, context: &RequestContext, secret: &str) -> Result<ClientId, ClientsError> {
    let (clients, _) = registered(app).await?;
    let of = |client: &Client| client.secrets.iter().any(|it| it.id == secret);
    let client = clients.into_iter().find(of).ok_or_else(|| ClientsError::NoSecret(secret.to_owned()))?;
    let id = client.registration.id.clone();
    let secrets = client.secrets.iter().filter(|it| it.id != secret).cloned().collect();
    save_secrets(app, context, client, secrets, &format!("secret {secret} dropped")).await?;
    Ok(id)
}

async fn save_secrets(
    app: &App,
    context: &RequestContext,
    client: Client,
    secrets: Vec<ClientSecret>,
    what: &str,
) -> Result<(), ClientsError> {
    let name = client_name(&client.registration.id);
    let client = Client { secrets, version: client.version + 1, ..client };
    let audit = audited(app, context, AuditAction::ClientChanged, format!("{name}: {what}"))?;
    settled(app.store.save_client(&client, &audit).await?, &name)
}

fn audited(
    app: &App,
    context: &RequestContext,
    action: AuditAction,
    detail: String,
) -> Result<AuditEntry, ClientsError> {
    Ok(AuditEntry { detail: Some(detail), ..app.audit(context, Subject::Stage, action, None)? })
}

fn settled(saved: Saved, name: &str) -> Result<(), ClientsError> {
    match saved {
        Saved::Saved => Ok(()),
        Saved::ChangedMeanwhile => Err(ClientsError::ChangedMeanwhile(name.to_owned())),
    }
}

fn client_name(id: &ClientId) -> String {
    format!("client {}", id.as_str())
}

fn resource_name(resource: &ResourceRegistration) -> String {
    format!("resource {}", resource.uri.as_str())
}

/// What becomes of an item that the file does not have.
fn leaving<T: Serialize + Clone>(
    name: &str,
    version: u64,
    prune: bool,
    old: &T,
    disabled: &T,
    save: impl Fn(T) -> Act,
) -> Option<(Act, String)> {
    if prune {
        return Some((Act::Delete(version), format!("{name}: deleted")));
    }
    difference(name, Some(old), disabled).map(|difference| (save(disabled.clone()), difference))
}
