//! The `email-change-undo` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&email_change_undo::ENDPOINT)
}
