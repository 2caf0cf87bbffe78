//! The `logout-notifier` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve_event(&logout_notifier::FUNCTION)
}
