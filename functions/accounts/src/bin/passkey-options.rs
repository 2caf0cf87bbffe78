//! The `passkey-options` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&accounts::passkey_options::ENDPOINT)
}
