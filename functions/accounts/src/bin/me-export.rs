//! The `me-export` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&accounts::me_export::ENDPOINT)
}
