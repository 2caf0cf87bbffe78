//! The `me-update` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&accounts::me_update::ENDPOINT)
}
