//! The `mailer` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve_event(&mailer::FUNCTION)
}
