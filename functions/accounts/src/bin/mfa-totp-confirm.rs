//! The `mfa-totp-confirm` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&accounts::mfa_totp_confirm::ENDPOINT)
}
