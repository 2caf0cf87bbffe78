//! Passkeys on the page of a person's second factors.

use wardgate::app::App;
use wardgate::domain::name::DisplayName;
use wardgate::domain::passkey;
use wardgate::http::page::{FormRefusal, PasskeyLine};
use wardgate::http::passkey::{new_passkey, no_credential};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::use_cases::accounts::mfa_show::Mfa;
use wardgate::use_cases::accounts::passkey_add::{PasskeyAddError, passkey_add};
use wardgate::use_cases::accounts::passkey_options::{PasskeyOptionsError, passkey_options};
use wardgate::use_cases::authenticate::Caller;
use wardgate::use_cases::factors_change::FactorsChangeError;

use super::{FactorsForm, Failed, codes, seen};
use crate::flow::account::minute;

/// A passkey in the page's words.
pub(super) struct Passkey<'a> {
    id: String,
    name: &'a str,
    since: String,
    used: Option<String>,
    removable: bool,
}

impl<'a> Passkey<'a> {
    pub(super) fn of(passkey: &'a passkey::Passkey, mfa: &Mfa) -> Self {
        let (since, used) = (minute(passkey.created_at), passkey.last_used_at.map(minute));
        let removable = mfa.can_do_without(passkey);
        Self { id: passkey.id.to_string(), name: &passkey.name, since, used, removable }
    }

    pub(super) fn line(&self) -> PasskeyLine<'_> {
        let Self { id, name, since, used, removable } = self;
        PasskeyLine { id, name, since, used: used.as_deref(), removable: *removable }
    }
}

/// What to ask an authenticator for another passkey. `None` where there are as many as there may be.
pub(super) async fn question(app: &App, request: &Request, caller: Caller<'_>) -> Result<Option<String>, Failed> {
    match passkey_options(app, &request.context, caller).await {
        Ok(options) => Ok(Some(options.public_key.to_string())),
        Err(PasskeyOptionsError::TooMany) => Ok(None),
        Err(PasskeyOptionsError::Change(error)) => Err(error.into()),
        Err(PasskeyOptionsError::Fault(fault)) => Err(FactorsChangeError::Fault(fault).into()),
    }
}

/// Registers what an authenticator has made. Where that is refused, the page asks anew.
pub(super) async fn add_passkey(
    app: &App,
    request: &Request,
    caller: Caller<'_>,
    form: &FactorsForm,
) -> Result<Reply, Failed> {
    let name = form.name.as_deref().and_then(|name| DisplayName::parse(name).ok());
    let cause = match new_passkey(form.credential.as_deref().unwrap_or_default(), name) {
        None => no_credential(),
        Some(new) => match passkey_add(app, &request.context, caller, new).await {
            Ok(added) => return Ok(codes(app, request, &added.recovery_codes)?),
            Err(PasskeyAddError::Change(error)) => return Err(error.into()),
            Err(PasskeyAddError::Fault(fault)) => return Err(FactorsChangeError::Fault(fault).into()),
            Err(refused) => accounts::passkey_add::problem(refused),
        },
    };
    let page = seen(app, request, caller, Some(FormRefusal::WrongPasskey)).await?;
    Err(Problem { page: Some(Box::new(page)), ..cause }.into())
}
