//! The `sessions-list` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&sessions_list::ENDPOINT)
}
