//! The `me-export` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&me_export::ENDPOINT)
}
