//! The `email-change-undo` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&accounts::email_change_undo::ENDPOINT)
}
