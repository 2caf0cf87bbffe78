//! The least that `lambda_http` can do.

use lambda_http::{Error, Request, service_fn};

fn main() -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(lambda_http::run(service_fn(async |_: Request| Ok::<_, Error>("hello"))))
}
