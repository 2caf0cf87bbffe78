//! The `mfa-update` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&accounts::mfa_update::ENDPOINT)
}
