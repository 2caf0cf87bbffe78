//! The `restore-sweep` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve_event(&restore_sweep::FUNCTION)
}
