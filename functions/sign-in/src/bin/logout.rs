//! The `logout` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&sign_in::logout::ENDPOINT)
}
