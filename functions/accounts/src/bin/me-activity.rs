//! The `me-activity` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&accounts::me_activity::ENDPOINT)
}
