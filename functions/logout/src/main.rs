//! The `logout` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&logout::ENDPOINT)
}
