//! The `mfa-show` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&accounts::mfa_show::ENDPOINT)
}
