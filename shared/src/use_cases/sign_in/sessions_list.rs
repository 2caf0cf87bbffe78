//! The caller's sessions (SE-05).

use crate::app::App;
use crate::domain::id::SessionId;
use crate::domain::request_context::RequestContext;
use crate::domain::session::Session;
use crate::use_cases::authenticate::{AuthenticateError, authenticate};

/// Which page.
#[derive(Debug, Clone, Copy)]
pub struct ListSessions {
    /// How many sessions are read for a page: ended ones among them are left out of it.
    pub limit: u16,
    /// Where the page begins.
    pub after: Option<SessionId>,
}

/// A page of live sessions, newest first.
#[derive(Debug)]
pub struct Sessions {
    /// The sessions.
    pub items: Vec<Session>,
    /// The one that the request itself belongs to.
    pub current: SessionId,
    /// Where the next page begins.
    pub next: Option<SessionId>,
}

/// Lists the caller's live sessions.
pub async fn list_sessions(
    app: &App,
    context: &RequestContext,
    access_token: Option<&str>,
    page: ListSessions,
) -> Result<Sessions, AuthenticateError> {
    let caller = authenticate(app, context, access_token).await?;
    let found = app.store.list_sessions(caller.user.id, page.limit, page.after).await?;
    let live = |session: &Session| session.is_live(context.now) && app.admits(&caller.user, session);
    Ok(Sessions {
        items: found.sessions.into_iter().filter(live).collect(),
        current: caller.session.id,
        next: found.next,
    })
}
