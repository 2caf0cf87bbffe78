//! The `page-show` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&pages::page_show::ENDPOINT)
}
