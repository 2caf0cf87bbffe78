//! The `page-account-factors` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve_pages(&pages::page_account_factors::ENDPOINT)
}
