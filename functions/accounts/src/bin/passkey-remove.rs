//! The `passkey-remove` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&accounts::passkey_remove::ENDPOINT)
}
