//! What a person's own pages have in common: who is signed in, and the way there for whoever is not.

use wardgate::app::App;
use wardgate::domain::oauth::continuation::Continuation;
use wardgate::domain::timestamp::Timestamp;
use wardgate::http::cookies;
use wardgate::http::page::Form;
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::use_cases::authenticate::{AuthenticateError, Authenticated, Caller, authenticate_fresh};

/// What a person's own page is opened with after a change.
pub(crate) const SAID: &str = "said=saved";

/// As people read it: `2026-03-01 12:30 UTC`.
pub(crate) fn minute(at: Timestamp) -> String {
    let text = at.rfc3339().replace('T', " ");
    format!("{} UTC", text.get(..16).unwrap_or(&text))
}

/// What a browser asks with.
pub(crate) struct Asking(Option<String>);

impl Asking {
    pub(crate) fn of(request: &Request) -> Self {
        Self(cookies::session_token(&request.headers))
    }

    pub(crate) fn caller(&self) -> Caller<'_> {
        Caller::Browser(self.0.as_deref())
    }

    /// Who is signed in, and just has (SE-10); `Err` has the answer of anybody else.
    pub(crate) async fn admit_fresh(
        &self,
        app: &App,
        request: &Request,
        path: &str,
    ) -> Result<Result<Authenticated, Reply>, Problem> {
        match authenticate_fresh(app, &request.context, self.caller()).await {
            Ok(found) => Ok(Ok(found)),
            Err(error) => sign_in_first(path, error).map(Err),
        }
    }
}

/// Leads to where people sign in, and back to this page.
pub(crate) fn sign_in_first(path: &str, error: AuthenticateError) -> Result<Reply, Problem> {
    if let AuthenticateError::Fault(fault) = error {
        return Err(fault.into());
    }
    let way = Continuation::of_account(path).map(|back| back.page_query("")).unwrap_or_default();
    Reply::see_other(&format!("{}{way}", Form::Login.path()))
}
