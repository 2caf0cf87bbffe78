//! The `password-reset` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&accounts::password_reset::ENDPOINT)
}
