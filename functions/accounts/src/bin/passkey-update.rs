//! The `passkey-update` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&accounts::passkey_update::ENDPOINT)
}
