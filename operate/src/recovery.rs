//! A person who has lost every second factor, and whom an operator knows (`make allow-recovery`).

use wardgate::use_cases::allow_recovery::allow_recovery;

use crate::Failure;
use crate::arguments::AllowRecoveryArguments;
use crate::progress::say;
use crate::stage::{Deployment, by_hand};

/// Lets the account's factors be taken away, and says what its owner does next.
pub async fn run(arguments: AllowRecoveryArguments) -> Result<(), Failure> {
    let deployment = Deployment::open(arguments.stage).await?;
    let context = by_hand();
    let allowed = allow_recovery(&deployment.app, &context, &arguments.email).await;
    deployment.close().await?;
    let until = allowed?.rfc3339();
    say(&format!(
        "Until {until} the second factors of this account can be taken away; nothing is taken away yet, and its owner was told by mail. \
         They sign in as far as they can, say that they have lost everything, and get a mail with a link."
    ));
    Ok(())
}
