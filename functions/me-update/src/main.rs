//! The `me-update` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&me_update::ENDPOINT)
}
