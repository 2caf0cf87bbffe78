//! The `email-change` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&accounts::email_change::ENDPOINT)
}
