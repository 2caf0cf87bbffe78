//! The `email-verify` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&accounts::email_verify::ENDPOINT)
}
