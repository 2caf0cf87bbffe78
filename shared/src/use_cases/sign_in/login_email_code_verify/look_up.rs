//! What the table has to say to a sign-in by mail.

use crate::app::App;
use crate::domain::device::Device;
use crate::domain::one_time::OneTime;
use crate::domain::request_context::RequestContext;
use crate::store::limits::{Reservation, Scope};
use crate::store::one_time::CodeBond;
use crate::use_cases::known_device::{PresentedDevice, read_presented};
use crate::use_cases::reserve::reserve_for_source;
use crate::use_cases::sign_in::login_email_code_verify::EmailCodeError;
use crate::use_cases::sign_in::login_email_code_verify::tried::Tried;

/// What the table has to say to a try.
pub(super) struct Found {
    pub(super) item: Option<OneTime>,
    pub(super) device: Option<Device>,
}

/// Counts a code before it is evaluated (EN-01): against the source, and then on the item that its flow or its link names,
/// which nobody else can reach. A link cannot be guessed.
pub(super) async fn look_up(
    app: &App,
    context: &RequestContext,
    tried: &Tried<'_>,
    presented: Option<&PresentedDevice>,
) -> Result<Found, EmailCodeError> {
    let (now, email) = (context.now, tried.email());
    if let Tried::Code { .. } | Tried::LinkWithCode(..) = tried {
        let limit = &app.config.limits.login_source;
        if let Reservation::Refused { retry_after } =
            reserve_for_source(app, context, Scope::LoginSource, limit).await?
        {
            return Err(EmailCodeError::TooManyAttempts { retry_after });
        }
    }
    let item = async {
        match tried {
            Tried::Code { flow: None, .. } => Ok(None),
            Tried::Code { flow: Some((id, hash)), .. } => {
                app.store.reserve_code_attempt(email, *id, CodeBond::Flow(hash), now).await
            }
            Tried::LinkWithCode(token, _) => {
                let bond = CodeBond::Link(&token.nonce);
                app.store.reserve_code_attempt(email, token.one_time_id(), bond, now).await
            }
            Tried::LinkInFlow(token, _) | Tried::LinkAlone(token) => app.store.read_one_time(token).await,
        }
    };
    let device = read_presented(app, presented, now);
    let (item, device) = futures::try_join!(item, device)?;
    Ok(Found { item, device })
}
