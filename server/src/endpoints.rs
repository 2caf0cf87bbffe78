//! The one list of endpoints: the router, the API description and the tests that hold everything else to it.

use wardgate::http::endpoint::Endpoint;
use wardgate::http::openapi::{self, Operation};

macro_rules! endpoints {
    ($($function:ident),* $(,)?) => {
        /// Every endpoint with what the API description says of it, by name.
        pub const ENDPOINTS: &[(Endpoint, &Operation)] = &[$(($function::ENDPOINT, &$function::OPERATION)),*];
    };
}

endpoints![
    email_change,
    email_change_confirm,
    email_change_undo,
    email_verify,
    email_verify_resend,
    health,
    jwks,
    login,
    login_email_code,
    login_email_code_verify,
    logout,
    me,
    me_activity,
    me_delete,
    me_export,
    me_keep,
    me_update,
    openid_configuration,
    page_confirm_email_change,
    page_keep_account,
    page_reset_password,
    page_show,
    page_sign_in,
    page_undo_email_change,
    page_verify_email,
    password_change,
    password_forgot,
    password_reset,
    ready,
    register,
    session_end,
    sessions_end_others,
    sessions_list,
    token_refresh,
];

/// The functions that answer other events than requests of our own API.
pub const EVENT_FUNCTIONS: &[&str] =
    &["audit-watch", "authorizer", "eraser", "events", "mailer", "migrate", "restore-sweep", "rotate-keys", "smoke"];

/// The API description, as it is served and as `docs/api/openapi.json` has it.
pub fn openapi() -> serde_json::Value {
    openapi::document(ENDPOINTS)
}
