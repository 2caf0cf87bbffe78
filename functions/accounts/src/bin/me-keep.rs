//! The `me-keep` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&accounts::me_keep::ENDPOINT)
}
