//! The `page-register` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&pages::page_register::ENDPOINT)
}
