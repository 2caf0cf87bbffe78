//! The `me` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&accounts::me::ENDPOINT)
}
