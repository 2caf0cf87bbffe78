//! The `password-remove` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&accounts::password_remove::ENDPOINT)
}
