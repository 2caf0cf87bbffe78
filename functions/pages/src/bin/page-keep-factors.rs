//! The `page-keep-factors` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve_pages(&pages::page_keep_factors::ENDPOINT)
}
