//! The `email-change-confirm` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&email_change_confirm::ENDPOINT)
}
