//! The `health` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&service::health::ENDPOINT)
}
