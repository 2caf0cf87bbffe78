//! The `token` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&oauth::token::ENDPOINT)
}
