//! The `page-keep-account` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&pages::page_keep_account::ENDPOINT)
}
