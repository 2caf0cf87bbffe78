//! The `rotate-keys` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve_event(&rotate_keys::FUNCTION)
}
