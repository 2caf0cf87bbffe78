//! The `jwks` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&service::jwks::ENDPOINT)
}
