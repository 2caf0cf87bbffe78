//! The `email-verify` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&email_verify::ENDPOINT)
}
