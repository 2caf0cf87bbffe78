//! The `page-forgot` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve_pages(&pages::page_forgot::ENDPOINT)
}
