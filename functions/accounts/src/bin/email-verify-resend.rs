//! The `email-verify-resend` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&accounts::email_verify_resend::ENDPOINT)
}
