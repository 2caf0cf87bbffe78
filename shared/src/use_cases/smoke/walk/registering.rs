//! Registering, and what becomes the account (PL-08).

use serde_json::json;

use super::{REGISTER, Secrets, VERIFY, Walk, Wrong, own};
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::credential::Credential;
use crate::domain::hex;
use crate::domain::mail_order::MailKind;
use crate::domain::name::DisplayName;
use crate::domain::origin::Origin;
use crate::domain::password::Password;
use crate::domain::user::User;
use crate::store::accounts::users::AccountCreation;
use crate::store::accounts::verifications::AddressVerification;
use crate::store::limits::Scope;
use crate::use_cases::choose_password::wrapped_hash;
use crate::use_cases::order_mail::{Counter, counters};
use crate::use_cases::smoke::once_more;

impl Walk<'_> {
    /// With sign-up closed, the account is there by itself.
    pub(super) async fn register(&self) -> Result<Secrets, Wrong> {
        let app = self.app;
        let (name, password) = (hex(&app.entropy.bytes::<16>()?), hex(&app.entropy.bytes::<16>()?));
        let name = DisplayName::parse(&name).map_err(|_| own("a name that is none"))?;
        if !app.config.accounts.require_verified_email {
            // An account that registering began would have another id. So there is one before, and whoever registers
            // is not told.
            self.begin(&password).await?;
        }
        self.forget_registrations().await?;
        let body = json!({ "email": self.email(), "password": password, "name": name.as_str() });
        let answer = self.ask(REGISTER, Some(&body), None).await?;
        let is_sign_up_open = (answer.status, answer.text("code")) != (403, Some("sign_up_closed"));
        if is_sign_up_open {
            self.met(REGISTER.0, &answer, 202, None)?;
            self.text(REGISTER.0, &answer, "flow_token")?;
        } else if app.config.accounts.require_verified_email {
            self.begin(&password).await?;
        }
        Ok(Secrets { name, password, is_sign_up_open })
    }

    async fn forget_registrations(&self) -> Result<(), Wrong> {
        let (app, limits) = (self.app, &self.app.config.limits);
        let origin = Origin::new(self.user.source().parse().ok(), None);
        let of_source = Counter { scope: Scope::MailSource, subject: origin.source(), limit: &limits.mail_source };
        let of_address = counters(limits, MailKind::Registration, &self.user.email_key(), &origin);
        for Counter { scope, subject, limit } in of_address.into_iter().chain([of_source]) {
            once_more(|| app.store.forget_window(scope, &subject, limit, app.clock.now())).await?;
        }
        Ok(())
    }

    pub(super) async fn begin(&self, password: &str) -> Result<(), Wrong> {
        let (user, credential) = self.account(password).await?;
        let context = self.context();
        let audit = self.app.audit(&context, Subject::User(user.id), AuditAction::Registered, None)?;
        match once_more(|| self.app.store.create_account(&user, &credential, &audit)).await? {
            AccountCreation::Created => Ok(()),
            AccountCreation::EmailTaken => Err(own("the address has another account")),
        }
    }

    /// A link that nobody was mailed is refused. The right one nobody here can make (PL-08): what the registration wrote
    /// becomes the account without it.
    pub(super) async fn verify(&self, secrets: &Secrets) -> Result<(), Wrong> {
        let app = self.app;
        let body = json!({ "token": "not-a-link" });
        self.expect(VERIFY, Some(&body), None, 400, Some("invalid_link")).await?;
        let registration = once_more(|| app.store.synthetic_registration(self.user, &secrets.name)).await?;
        let registration = registration.ok_or_else(|| self.wrong(REGISTER.0, "answered, and wrote no registration"))?;
        if !app.config.accounts.require_verified_email {
            return Ok(());
        }
        let (user, credential) = self.account(&secrets.password).await?;
        let audit = app.audit(&self.context(), Subject::User(user.id), AuditAction::EmailVerified, None)?;
        let begun = || app.store.activate_synthetic(self.user, &registration, (&user, &credential), &audit);
        match once_more(begun).await? {
            AddressVerification::Verified => Ok(()),
            AddressVerification::Superseded => {
                Err(self.wrong(REGISTER.0, "wrote a registration that begins no account"))
            }
        }
    }

    /// The account: its id is always the same, and it has no role.
    async fn account(&self, password: &str) -> Result<(User, Credential), Wrong> {
        let now = self.app.clock.now();
        let email = self.user.email().clone();
        let user = User { email_verified: true, ..User::new(self.user.user_id(), email, None, now) };
        let password = Password::attempt(password).ok_or_else(|| own("a password that is none"))?;
        let hash = wrapped_hash(self.app, now, user.id, &password).await?;
        let credential = Credential::of(&user, Some(hash));
        Ok((user, credential))
    }
}
