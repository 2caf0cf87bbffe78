//! The `password-reset` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&password_reset::ENDPOINT)
}
