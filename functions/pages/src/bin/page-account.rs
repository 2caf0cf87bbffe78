//! The `page-account` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&pages::page_account::ENDPOINT)
}
