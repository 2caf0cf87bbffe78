//! The `related-origins` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&service::related_origins::ENDPOINT)
}
