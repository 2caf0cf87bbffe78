//! Asking a person whether a client may have something of theirs, or just whether it is them.
//!
//! Store requests of the question: one read of the client, one round of two (session, account), then one round (consent, and
//! each API that is asked for). Of the answer: one read of the client, one round of two, one of the consent, and one transaction
//! (consent, audit).

use crate::app::App;
use crate::domain::audit::{AuditAction, AuditEntry, Subject};
use crate::domain::language::Language;
use crate::domain::oauth::authorization::AuthorizationError;
use crate::domain::oauth::client::Consent;
use crate::domain::oauth::continuation::Continuation;
use crate::domain::request_context::RequestContext;
use crate::domain::user::User;
use crate::fault::Fault;
use crate::store::clients::Saved;
use crate::store::error::StoreError;
use crate::use_cases::oauth::admitted::{Admitted, AuthorizationAnswer, AuthorizeError};
use crate::use_cases::oauth::asking_client::words_in;
use crate::use_cases::sign_in::browser_session::browser_session;

/// How often a consent is written again that another tab has changed meanwhile.
const TRIES: usize = 3;

/// What a person is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What the client is called.
    pub application: String,
    /// Where the answer goes.
    pub host: String,
    /// Who is signed in.
    pub account: String,
    /// What the client asks for; none where the person is just asked whether it is them.
    pub asks: Vec<Ask>,
}

/// Something that a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// A scope of OpenID Connect, for which pages have words.
    Standard(String),
    /// Words of an API's.
    Words(String),
}

/// What a request is by the time that its page is shown.
#[derive(Debug)]
pub enum Asked {
    /// The person is asked.
    Question(Question),
    /// Nobody is signed in any more, or the request is refused: it is for [`crate::use_cases::oauth::authorize`] to say.
    AskAgain,
}

/// Who is signed in, and what is asked of them; `None` where it is for authorize to say.
async fn standing(
    app: &App,
    context: &RequestContext,
    request: &Continuation,
    session_token: Option<&str>,
) -> Result<Option<(Admitted, User)>, Fault> {
    let admitted = match Admitted::read(app, &request.parameters()).await {
        Ok(admitted) => admitted,
        Err(AuthorizeError::Fault(fault)) => return Err(fault),
        Err(_) => return Ok(None),
    };
    let ring = app.secrets.session_mac(context.now).await?;
    let found = browser_session(app, context, &ring, session_token).await?;
    Ok(found.map(|(found, _)| (admitted, found.user)))
}

/// What the page asks.
pub async fn question(
    app: &App,
    context: &RequestContext,
    request: &Continuation,
    session_token: Option<&str>,
) -> Result<Asked, Fault> {
    let Some((admitted, user)) = standing(app, context, request, session_token).await? else {
        return Ok(Asked::AskAgain);
    };
    let Ok(authorization) = &admitted.authorization else { return Ok(Asked::AskAgain) };
    let (client, language) = (&admitted.client, request.language().unwrap_or(context.language));
    let asked = admitted.asked(authorization, user.id, context.now);
    let given = app.store.read_consent(user.id, &client.id);
    let resources = authorization.resources.iter().map(|uri| app.store.read_resource(uri));
    let (given, resources) = futures::try_join!(given, futures::future::try_join_all(resources))?;
    let is_new = client.consent == Consent::Required && !given.is_some_and(|given| given.covers(&asked));
    let mut asks = Vec::new();
    if is_new || authorization.asks_again {
        for scope in &authorization.scopes {
            let words = resources.iter().flatten().find_map(|resource| resource.registration.scopes.get(scope));
            let words = words.and_then(|words| words_in(words, language));
            asks.push(words.map_or_else(|| Ask::Standard(scope.clone()), |words| Ask::Words(words.to_owned())));
        }
    }
    Ok(Asked::Question(Question {
        application: name_in(&admitted, language),
        host: asked.hosts.into_iter().next().unwrap_or_default(),
        account: user.email.display().to_owned(),
        asks,
    }))
}

/// Notes that the person has said yes. `false` where nobody is signed in any more.
pub async fn give_consent(
    app: &App,
    context: &RequestContext,
    request: &Continuation,
    session_token: Option<&str>,
) -> Result<bool, Fault> {
    let Some((admitted, user)) = standing(app, context, request, session_token).await? else { return Ok(false) };
    let Ok(authorization) = &admitted.authorization else { return Ok(false) };
    let client_id = &admitted.client.id;
    for _ in 0..TRIES {
        let given = app.store.read_consent(user.id, client_id).await?;
        let read_at = given.as_ref().map(|given| given.at);
        let consent = admitted.asked(authorization, user.id, context.now).and(given);
        let audit = app.audit(context, Subject::User(user.id), AuditAction::ConsentGiven, None)?;
        let audit = AuditEntry { detail: Some(client_id.as_str().to_owned()), ..audit };
        if app.store.save_consent(&consent, read_at, &audit).await? == Saved::Saved {
            return Ok(true);
        }
    }
    Err(StoreError::Unavailable("other tabs keep changing the consent".to_owned()).into())
}

/// What the client is told of a person who has said no: nothing is noted.
pub async fn deny_consent(app: &App, request: &Continuation) -> Result<Option<AuthorizationAnswer>, Fault> {
    let admitted = match Admitted::read(app, &request.parameters()).await {
        Ok(admitted) => admitted,
        Err(AuthorizeError::Fault(fault)) => return Err(fault),
        Err(_) => return Ok(None),
    };
    let denied = AuthorizationError { code: "access_denied", description: "the person has said no" };
    Ok(Some(admitted.answer(Err(denied), true)))
}

fn name_in(admitted: &Admitted, language: Language) -> String {
    words_in(&admitted.client.name, language).unwrap_or_default().to_owned()
}
