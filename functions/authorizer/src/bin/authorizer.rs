//! The `authorizer` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve_event(&authorizer::FUNCTION)
}
