//! What a file of clients may say.

use super::{ClientsError, Registry};
use crate::app::App;
use crate::config::Stage;
use crate::domain::oauth::resource::{ResourceRegistration, ResourceUri};

/// Refuses a file that is not possible, whatever the table has. Each names what is wrong.
pub(super) fn check(app: &App, registry: &Registry) -> Result<(), ClientsError> {
    let in_development = app.config.stage == Stage::Development;
    let pages = app.config.brand().map_err(ClientsError::Brand)?.palettes();
    let tokens = &app.config.tokens;
    let own = [tokens.audience.clone(), format!("{}/oauth2/userinfo", tokens.issuer)];
    let own: Vec<String> = own.iter().filter_map(|uri| Some(ResourceUri::parse(uri).ok()?.hash())).collect();
    for (index, resource) in registry.resources.iter().enumerate() {
        let uri = resource.uri.as_str();
        resource.check().map_err(|why| ClientsError::Resource(uri.to_owned(), why))?;
        let is_same = |before: &ResourceRegistration| before.uri.hash() == resource.uri.hash();
        if registry.resources.iter().take(index).any(is_same) {
            return Err(ClientsError::Twice(format!("resource {uri}")));
        }
        if own.contains(&resource.uri.hash()) {
            return Err(ClientsError::OwnAudience(format!("resource {uri}")));
        }
    }
    for (index, client) in registry.clients.iter().enumerate() {
        let id = client.id.as_str();
        client.check(in_development, &pages).map_err(|why| ClientsError::Client(id.to_owned(), why))?;
        if registry.clients.iter().take(index).any(|before| before.id == client.id) {
            return Err(ClientsError::Twice(format!("client {id}")));
        }
        if tokens.audience == id {
            return Err(ClientsError::OwnAudience(format!("client {id}")));
        }
        let is_there = |uri: &ResourceUri| registry.resources.iter().any(|resource| resource.uri == *uri);
        if let Some(uri) = client.resources.iter().find(|uri| !is_there(uri)) {
            return Err(ClientsError::UnknownResource(id.to_owned(), uri.as_str().to_owned()));
        }
    }
    Ok(())
}
