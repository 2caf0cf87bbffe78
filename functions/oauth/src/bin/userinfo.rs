//! The `userinfo` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&oauth::userinfo::ENDPOINT)
}
