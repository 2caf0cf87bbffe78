//! The `page-forgot` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&pages::page_forgot::ENDPOINT)
}
