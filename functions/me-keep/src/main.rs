//! The `me-keep` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&me_keep::ENDPOINT)
}
