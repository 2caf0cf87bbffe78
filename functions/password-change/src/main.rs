//! The `password-change` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&password_change::ENDPOINT)
}
