//! The `passkey-add` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&accounts::passkey_add::ENDPOINT)
}
