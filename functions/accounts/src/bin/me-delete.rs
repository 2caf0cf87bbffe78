//! The `me-delete` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&accounts::me_delete::ENDPOINT)
}
