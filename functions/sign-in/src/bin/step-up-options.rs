//! The `step-up-options` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&sign_in::step_up_options::ENDPOINT)
}
