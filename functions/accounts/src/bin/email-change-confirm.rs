//! The `email-change-confirm` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&accounts::email_change_confirm::ENDPOINT)
}
