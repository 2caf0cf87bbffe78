//! The application that has sent a browser: what the pages need to know of it.

use std::collections::BTreeMap;

use crate::app::App;
use crate::domain::language::Language;
use crate::domain::oauth::client::{Client, ClientId, ClientRegistration};
use crate::domain::oauth::client_brand::ClientBrand;
use crate::domain::oauth::continuation::Continuation;
use crate::domain::oauth::parameters::Parameters;
use crate::fault::Fault;
use crate::store::error::StoreError;

/// The application that sends a browser to a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskingClient {
    /// What it is called, by language; `en` is there.
    pub name: BTreeMap<String, String>,
    /// Whom it believes the person to be.
    pub login_hint: Option<String>,
    /// What the pages look like that lead to it.
    pub brand: ClientBrand,
}

impl AskingClient {
    /// What it is called in a language, or else in English.
    pub fn name_in(&self, language: Language) -> Option<&str> {
        words_in(&self.name, language)
    }
}

/// Words in a language, or else in English.
pub fn words_in(words: &BTreeMap<String, String>, language: Language) -> Option<&str> {
    words.get(language.tag()).or_else(|| words.get("en")).map(String::as_str)
}

/// Who it is that a request is of: one read. `None` of what is sent nowhere.
pub async fn asking_client(app: &App, request: &Continuation) -> Result<Option<AskingClient>, Fault> {
    let parameters = request.parameters();
    let Some(Client { registration, .. }) = find_client(app, &parameters).await? else { return Ok(None) };
    if !request.leads_back(&registration) {
        return Ok(None);
    }
    let ClientRegistration { name, brand, .. } = registration;
    let login_hint = parameters.get("login_hint").map(str::to_owned);
    Ok(Some(AskingClient { name, login_hint, brand }))
}

/// The client that a request names, if it is in use.
pub(super) async fn find_client(app: &App, parameters: &Parameters) -> Result<Option<Client>, StoreError> {
    let Some(id) = parameters.get("client_id").and_then(|id| ClientId::parse(id).ok()) else { return Ok(None) };
    Ok(app.store.read_client(&id).await?.filter(|client| !client.disabled))
}
