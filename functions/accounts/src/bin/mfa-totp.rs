//! The `mfa-totp` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&accounts::mfa_totp::ENDPOINT)
}
