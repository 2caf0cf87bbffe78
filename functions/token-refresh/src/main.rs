//! The `token-refresh` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&token_refresh::ENDPOINT)
}
