//! The `events` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve_event(&events::FUNCTION)
}
