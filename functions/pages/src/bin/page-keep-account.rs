//! The `page-keep-account` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve_pages(&pages::page_keep_account::ENDPOINT)
}
