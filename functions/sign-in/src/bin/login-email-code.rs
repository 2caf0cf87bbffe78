//! The `login-email-code` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&sign_in::login_email_code::ENDPOINT)
}
