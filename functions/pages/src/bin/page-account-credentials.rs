//! The `page-account-credentials` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve_pages(&pages::page_account_credentials::ENDPOINT)
}
