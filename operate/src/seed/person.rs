//! Who is made of a seed. `infra/wardgate_infra/operate/load.py` computes address and password the same way.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{Context, SHA256};
use wardgate::domain::email::Email;
use wardgate::domain::hex;
use wardgate::domain::id::UserId;
use wardgate::domain::name::DisplayName;
use wardgate::domain::password::Password;
use wardgate::domain::timestamp::Timestamp;
use wardgate::domain::user::User;

use crate::Failure;
use crate::arguments::StageName;

const FIRST: [&str; 12] =
    ["Ada", "Bruno", "Chioma", "Dmitri", "Elif", "Farah", "Grace", "Hiro", "Ines", "Jamal", "Kofi", "Linnea"];
const LAST: [&str; 12] = [
    "Adeyemi", "Bauer", "Castillo", "Dubois", "Eriksen", "Farkas", "Gupta", "Hughes", "Ivanova", "Jansen", "Kaya",
    "Lopez",
];
/// When the first of them began, and how many milliseconds later the next one.
const EPOCH: i64 = 1_735_689_600_000;
const APART: i64 = 60_000;
/// SES's mailbox simulator takes every mail and reads none, and no mail to it counts against a sender's name.
const SIMULATOR: &str = "simulator.amazonses.com";
/// Beside those of seeds: the smoke test's and the demo user.
const OTHERS: [&str; 2] = ["success+wardgate-smoke-", "demo@example.com"];

/// What everybody of it is computed from.
pub(super) struct Seed {
    text: String,
    stage: StageName,
}

/// One of them.
pub(super) struct Person {
    pub(super) number: u64,
    pub(super) id: UserId,
    pub(super) email: Email,
    pub(super) password: String,
    pub(super) salt: [u8; 16],
    pub(super) created_at: Timestamp,
    name: String,
}

/// Whether nobody real has the address.
pub(super) fn is_made_up(address: &str) -> bool {
    let of_a_seed = |prefix: &str, domain: &str| {
        address.strip_prefix(prefix).is_some_and(|rest| rest.split_once('@').is_some_and(|(_, found)| found == domain))
    };
    of_a_seed("seed-", "example.com")
        || of_a_seed("success+seed-", SIMULATOR)
        || OTHERS.iter().any(|other| address.starts_with(other))
}

impl Seed {
    pub(super) fn new(text: &str, stage: StageName) -> Self {
        Self { text: text.to_owned(), stage }
    }

    /// Tells seeds apart without saying what they are: passwords are made of them.
    pub(super) fn name(&self) -> String {
        let digest = self.digest(0, "name");
        format!("seed-{}", hex(digest.get(..4).unwrap_or_default()))
    }

    fn digest(&self, number: u64, what: &str) -> [u8; 32] {
        let mut hash = Context::new(&SHA256);
        for part in ["wardgate seed", &self.text, &number.to_string(), what] {
            hash.update(part.as_bytes());
            hash.update(&[0]);
        }
        hash.finish().as_ref().first_chunk().copied().unwrap_or_default()
    }

    /// A number that looks random.
    pub(super) fn number(&self, person: u64, what: &str) -> u128 {
        self.digest(person, what).first_chunk().copied().map_or(0, u128::from_be_bytes)
    }

    pub(super) fn person(&self, number: u64) -> Person {
        let created_at = Timestamp::from_millis(EPOCH + APART * i64::try_from(number).unwrap_or(i64::MAX / APART));
        let pick = |words: [&'static str; 12], what| {
            words.get(usize::from(self.digest(number, what)[0]) % words.len()).copied().unwrap_or_default()
        };
        Person {
            number,
            id: UserId::new(created_at, self.number(number, "id")),
            email: self.email(number),
            password: URL_SAFE_NO_PAD.encode(self.digest(number, "password").get(..18).unwrap_or_default()),
            salt: self.digest(number, "salt").first_chunk().copied().unwrap_or_default(),
            created_at,
            name: format!("{} {}", pick(FIRST, "first name"), pick(LAST, "last name")),
        }
    }

    #[expect(clippy::expect_used, reason = "of letters, digits and dashes alone: the tests below make every kind")]
    fn email(&self, number: u64) -> Email {
        let name = self.name();
        let address = match self.stage {
            StageName::Development => format!("{name}-{number}@example.com"),
            StageName::Staging | StageName::Production => format!("success+{name}-{number}@{SIMULATOR}"),
        };
        Email::parse(&address).expect("an address")
    }
}

impl Person {
    pub(super) fn user(&self) -> User {
        let name = DisplayName::clean(&self.name);
        User { email_verified: true, ..User::new(self.id, self.email.clone(), name, self.created_at) }
    }

    pub(super) fn typed(&self) -> Result<Password, Failure> {
        Password::attempt(&self.password).ok_or_else(|| "a password of the seed is too long".into())
    }

    /// Most have one or two, some none.
    pub(super) fn sessions(&self) -> u8 {
        u8::try_from(self.number % 4).unwrap_or_default().min(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `infra/tests/test_load.py` has the same.
    #[test]
    fn a_person_is_the_same_each_time_and_to_the_load_tool() {
        let person = Seed::new("spring", StageName::Staging).person(7);
        assert_eq!(person.email.display(), "success+seed-f685eead-7@simulator.amazonses.com");
        assert_eq!(person.password, "F6oWVpFnaMo3ooo4w0Om6NYT");
        let again = Seed::new("spring", StageName::Staging).person(7);
        assert_eq!((again.id, again.salt, again.user().name), (person.id, person.salt, person.user().name));
        assert!(person.user().name.is_some());
    }

    #[test]
    fn seeds_numbers_and_stages_make_different_people() {
        let of = |seed: &str, stage, number| Seed::new(seed, stage).person(number);
        let people = [
            of("spring", StageName::Staging, 1),
            of("spring", StageName::Staging, 2),
            of("autumn", StageName::Staging, 1),
            of("spring", StageName::Development, 1),
        ];
        for (index, one) in people.iter().enumerate() {
            for other in people.iter().skip(index + 1) {
                assert_ne!(one.email.key(), other.email.key());
            }
        }
        assert_ne!(people[0].password, people[1].password);
        assert_ne!(people[0].password, people[2].password);
    }

    #[test]
    fn who_is_of_a_seed_is_known_by_the_address() {
        for stage in [StageName::Development, StageName::Staging] {
            assert!(is_made_up(Seed::new("spring", stage).person(3).email.canonical()));
        }
        assert!(is_made_up("success+wardgate-smoke-1@simulator.amazonses.com"));
        for real in ["ada@example.com", "seed-1@example.org", "seed-@gmail.com", "success+seed-1@example.com"] {
            assert!(!is_made_up(real), "{real}");
        }
    }
}
