//! The `smoke` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve_event(&smoke::FUNCTION)
}
