//! The `preflight` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&service::preflight::ENDPOINT)
}
