//! The `register` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&accounts::register::ENDPOINT)
}
