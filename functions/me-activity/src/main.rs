//! The `me-activity` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&me_activity::ENDPOINT)
}
