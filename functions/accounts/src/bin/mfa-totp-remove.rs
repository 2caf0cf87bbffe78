//! The `mfa-totp-remove` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&accounts::mfa_totp_remove::ENDPOINT)
}
