//! The `login-mfa-options` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&sign_in::login_mfa_options::ENDPOINT)
}
