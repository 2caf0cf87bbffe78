//! The `login-email-code-verify` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&login_email_code_verify::ENDPOINT)
}
