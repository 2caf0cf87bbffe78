//! The `sessions-list` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&sign_in::sessions_list::ENDPOINT)
}
