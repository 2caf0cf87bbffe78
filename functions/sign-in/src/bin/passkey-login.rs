//! The `passkey-login` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&sign_in::passkey_login::ENDPOINT)
}
