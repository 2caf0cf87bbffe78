//! The `page-register` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve_pages(&pages::page_register::ENDPOINT)
}
