//! The `page-second-factor` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve_pages(&pages::page_second_factor::ENDPOINT)
}
