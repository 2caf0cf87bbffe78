//! The `passkey-login-options` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&sign_in::passkey_login_options::ENDPOINT)
}
