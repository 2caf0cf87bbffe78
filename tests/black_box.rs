//! Black-box tests. `routes/` mirrors the endpoints; the other files are named for what they hold.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]
#![expect(unreachable_pub, reason = "nobody imports a test binary")]

mod harness;
mod routes;

mod account_properties;
mod agreement;
mod audit_trail;
mod audit_watch;
mod authorizer_function;
mod backups;
mod browsers;
mod connections;
mod cookie_mode;
mod credential_races;
mod dependencies;
mod deployments;
mod documents;
mod edge;
mod erasure;
mod event_schema;
mod events;
mod generated;
mod growth;
mod guessing;
mod imports;
mod interop;
mod jobs;
mod known_devices;
mod layers;
mod mail_server;
mod mails;
mod migrations;
mod observability;
mod operator_verbs;
mod outbound;
mod permissions;
mod pipeline;
mod races;
mod refresh_families;
mod release_profile;
mod repeated_presses;
mod restored;
mod rotation;
mod secret_source;
mod security_report;
mod settings;
mod smoke;
mod store_faults;
mod store_requests;
mod strangers;
mod template;
mod token_forgery;
mod two_regions;
