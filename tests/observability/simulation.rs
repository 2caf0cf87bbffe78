//! What rings, and after how many seconds, where something goes wrong: every alarm of the stage over what real requests
//! measure, multiplied by minutes and people (docs/operations/alarm-simulation.md).

use std::collections::{BTreeMap, BTreeSet};

use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use reqwest::Method;
use wardgate::telemetry::embedded::{NAMESPACE, dimension_sets};

use super::alarms::{alarms_of, kebab};
use super::cloudwatch::{LOOK, Measurements, State, Watch};
use super::emitted::Metric;
use crate::harness::store_edge::Disturbance;
use crate::harness::{EMAIL, PASSWORD, TestServer};

/// Where the page stands.
pub const PAGE: &str = "docs/operations/alarm-simulation.md";
const PRODUCTION: &str = "infra/production/parameters.yaml";
/// When something begins to go wrong, and how long it does or is waited for: seconds.
const BEGINS: u64 = 2 * 3600;
const LASTS: u64 = 3600;
/// What comes by the quarter of an hour is missed late.
const LASTS_LONG: u64 = 5 * 3600;
/// A canary's share of the requests, and how long it has it.
const CANARY: f64 = 0.1;
const CANARY_LASTS: u64 = 600;
/// What people ask for, of a hundred requests.
const MIX: [(&str, f64); 4] = [("token-refresh", 65.0), ("me", 32.0), ("login", 2.0), ("logout", 1.0)];

/// How a request ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    /// As it should.
    Answered,
    /// 500: our own code was wrong.
    Faulty,
    /// 503: the table does not answer.
    Unavailable,
    /// Without an answer of ours.
    Crashed,
}

impl End {
    /// Milliseconds at the gateway. A request to a table that does not answer is given up late.
    const fn ms(self) -> f64 {
        match self {
            Self::Answered | Self::Faulty => 40.0,
            Self::Unavailable => 4000.0,
            Self::Crashed => 300.0,
        }
    }
}

/// What one request of a function measures, by how it ends. Durations are the simulation's: those of a test are this
/// machine's.
type Samples = BTreeMap<(&'static str, End), Vec<(Metric, f64)>>;

/// Whose requests end otherwise, which share of them, for how many seconds, and how.
type Broken = (&'static [&'static str], f64, u64, End);

/// A stage in some hours, by the minute.
struct Scenario {
    name: &'static str,
    /// Requests a minute before and after it begins.
    per_minute: (f64, f64),
    /// What goes wrong with requests, if anything does.
    broken: Option<Broken>,
    /// Whether `eraser` still comes.
    erases: bool,
    /// What becomes of the smoke test's schedule.
    smoke: Schedule,
    /// Whether whoever asks from outside is still answered.
    reached: bool,
    lasts: u64,
}

/// What comes of the smoke test every five minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Schedule {
    Passes,
    Fails,
    Absent,
}

/// Route 53 asks every 30 seconds, and takes an endpoint for gone that has not answered three times: full minutes.
const PROBE_NOTICES: u64 = 2 * 60;

const ALL: &[&str] = &["token-refresh", "me", "login", "logout"];

impl Scenario {
    const fn quiet(name: &'static str, per_minute: f64) -> Self {
        Self::with(name, (per_minute, per_minute), None)
    }

    const fn broken(
        name: &'static str,
        per_minute: f64,
        functions: &'static [&'static str],
        share: f64,
        seconds: u64,
        end: End,
    ) -> Self {
        let broken = Some((functions, share, seconds, end));
        Self::with(name, (per_minute, per_minute), broken)
    }

    const fn with(name: &'static str, per_minute: (f64, f64), broken: Option<Broken>) -> Self {
        let (smoke, reached) = (Schedule::Passes, true);
        Self { name, per_minute, broken, erases: true, smoke, reached, lasts: LASTS }
    }

    /// The same, where what asks by itself finds this.
    const fn found(self, smoke: Schedule, reached: bool) -> Self {
        Self { smoke, reached, ..self }
    }
}

const SCENARIOS: [Scenario; 19] = [
    Scenario::quiet("nothing is wrong, 3,600 requests a minute", 3600.0),
    Scenario::quiet("nobody has come yet", 0.0),
    Scenario::quiet("a request every five minutes", 0.2),
    Scenario::broken("a request every five minutes, and every one fails", 0.2, ALL, 1.0, LASTS, End::Faulty),
    Scenario::broken("canary: all new code crashes, 60 a minute", 60.0, ALL, CANARY, CANARY_LASTS, End::Crashed),
    Scenario::broken("canary: all new code answers 500, 600 a minute", 600.0, ALL, CANARY, CANARY_LASTS, End::Faulty),
    Scenario::broken("canary: `me` alone answers 500, 600 a minute", 600.0, &["me"], CANARY, CANARY_LASTS, End::Faulty),
    Scenario::broken(
        "canary: `login` alone crashes, 600 a minute",
        600.0,
        &["login"],
        CANARY,
        CANARY_LASTS,
        End::Crashed,
    ),
    Scenario::broken(
        "canary: `login` alone crashes, 7,200 a minute",
        7200.0,
        &["login"],
        CANARY,
        CANARY_LASTS,
        End::Crashed,
    ),
    Scenario::broken("all of a release crashes, 600 a minute", 600.0, ALL, 1.0, LASTS, End::Crashed)
        .found(Schedule::Fails, false),
    Scenario::broken("the table does not answer, 600 a minute", 600.0, ALL, 1.0, LASTS, End::Unavailable)
        .found(Schedule::Fails, false),
    Scenario::broken("the table is gone, a request every five minutes", 0.2, ALL, 1.0, LASTS, End::Faulty)
        .found(Schedule::Fails, false),
    Scenario::quiet("the table is gone, and nobody asks", 0.0).found(Schedule::Fails, false),
    // Processes that have read the ring go on with it for an hour; whoever signs in is in a new one sooner or later.
    Scenario::quiet("the signing key is gone, and nobody asks", 0.0).found(Schedule::Fails, true),
    Scenario::with("the name leads nowhere, 600 a minute", (600.0, 0.0), None).found(Schedule::Passes, false),
    Scenario::quiet("the name leads nowhere, and nobody asks", 0.0).found(Schedule::Passes, false),
    Scenario::with("nobody comes any more", (600.0, 0.0), None),
    Scenario::quiet("the smoke test runs no more, 600 a minute", 600.0).found(Schedule::Absent, true),
    Scenario { erases: false, lasts: LASTS_LONG, ..Scenario::quiet("the eraser comes no more", 600.0) },
];

/// What real requests measure.
async fn samples() -> Samples {
    let ends = [
        (End::Answered, None),
        (End::Faulty, Some(Disturbance::AccessDenied)),
        (End::Unavailable, Some(Disturbance::ServerError)),
    ];
    let mut samples = Samples::new();
    for (end, disturbance) in ends {
        for function in ALL {
            samples.insert((function, end), sample(function, end, disturbance).await);
        }
    }
    samples
}

async fn sample(function: &str, end: End, disturbance: Option<Disturbance>) -> Vec<(Metric, f64)> {
    let server = TestServer::with(&[("AUTH__AWS__MAX_ATTEMPTS", "1")]).await;
    let session = server.signed_in().await;
    let (access, refresh) = (session.string("access_token"), session.string("refresh_token"));
    for operation in ["GetItem", "Query", "TransactWriteItems", "UpdateItem"] {
        if let Some(disturbance) = disturbance {
            server.store.disturb(operation, disturbance, 100);
        }
    }
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let guard = metrics::set_default_local_recorder(&recorder);
    let answer = match function {
        "token-refresh" => server.refresh(&refresh).await,
        "me" => server.as_bearer(Method::GET, "/v1/me", &access).await,
        "login" => server.login(EMAIL, PASSWORD).await,
        _ => server.as_bearer(Method::POST, "/v1/logout", &access).await,
    };
    drop(guard);
    let expected = match end {
        End::Answered => 200..300,
        End::Faulty => 500..501,
        End::Unavailable | End::Crashed => 503..504,
    };
    assert!(expected.contains(&answer.status), "{function}, {end:?}: {} {}", answer.status, answer.text);
    let mut measured = Vec::new();
    for (key, _, _, value) in snapshotter.snapshot().into_vec() {
        let labels: Vec<(&str, &str)> = key.key().labels().map(|label| (label.key(), label.value())).collect();
        let value = match value {
            DebugValue::Counter(count) => f64::from(u32::try_from(count).unwrap()),
            DebugValue::Gauge(value) => value.into_inner(),
            // Of the milliseconds at the gateway, half is the table's.
            DebugValue::Histogram(_) => end.ms() / 2000.0,
        };
        for set in dimension_sets(key.key().name(), &labels) {
            let named = |name: &str| labels.iter().find(|(label, _)| *label == name).map_or("development", |it| it.1);
            let pairs: Vec<(&str, &str)> = set.into_iter().map(|name| (name, named(name))).collect();
            measured.push((metric(key.key().name(), &pairs), value));
        }
    }
    measured
}

fn metric(name: &str, dimensions: &[(&str, &str)]) -> Metric {
    let dimensions = dimensions.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    (name.to_owned(), dimensions.collect())
}

/// So many requests that end so, at this minute: what is measured of ours and by AWS.
fn ask(measured: &mut Measurements, samples: &Samples, minute: u64, function: &'static str, end: End, times: f64) {
    let mut vended = vec![("Count", 1.0), ("Latency", end.ms())];
    vended.extend((end != End::Answered).then_some(("5xx", 1.0)));
    for (name, value) in vended {
        measured.note("AWS/ApiGateway", metric(name, &[("ApiId", "")]), minute, value, times);
    }
    for (metric, value) in samples.get(&(function, end)).into_iter().flatten() {
        measured.note(NAMESPACE, metric.clone(), minute, *value, times);
    }
    let name = format!("wardgate-development-{function}");
    let alias = format!("{name}:live");
    for (of, value) in [("Invocations", 1.0), ("Errors", if end == End::Crashed { 1.0 } else { 0.0 })] {
        let dimensions = [("FunctionName", name.as_str()), ("Resource", alias.as_str())];
        for dimensions in [&dimensions[..1], &dimensions] {
            measured.note("AWS/Lambda", metric(of, dimensions), minute, value, times);
        }
    }
}

impl Scenario {
    /// What the stage measures.
    fn measurements(&self, samples: &Samples) -> Measurements {
        let mut measured = Measurements::default();
        // Whole requests: what is left of one is carried over to the next minute.
        let mut left: BTreeMap<(&str, End), f64> = BTreeMap::new();
        for minute in 0..(BEGINS + self.lasts) / 60 {
            let since = (minute * 60).checked_sub(BEGINS);
            let per_minute = if since.is_some() { self.per_minute.1 } else { self.per_minute.0 };
            for (function, percent) in MIX {
                let broken = self.broken.filter(|(functions, _, seconds, _)| {
                    functions.contains(&function) && since.is_some_and(|since| since < *seconds)
                });
                let all = per_minute * percent / 100.0;
                let (share, end) = broken.map_or((0.0, End::Crashed), |(_, share, _, end)| (share, end));
                for (end, requests) in [(End::Answered, all * (1.0 - share)), (end, all * share)] {
                    let due = left.entry((function, end)).or_default();
                    *due += requests;
                    // A sum of tenths is a little less than the whole.
                    let times = (*due + 1e-6).floor();
                    *due -= times;
                    if times >= 1.0 {
                        ask(&mut measured, samples, minute, function, end, times);
                    }
                }
            }
            self.ask_by_itself(&mut measured, minute, since);
            if minute % 15 == 0 && (self.erases || since.is_none()) {
                let invocations = metric("Invocations", &[("FunctionName", "wardgate-development-eraser")]);
                measured.note("AWS/Lambda", invocations, minute, 1.0, 1.0);
            }
        }
        measured
    }

    /// What the schedule and whoever asks from outside measure at this minute.
    fn ask_by_itself(&self, measured: &mut Measurements, minute: u64, since: Option<u64>) {
        let smoke = if since.is_some() { self.smoke } else { Schedule::Passes };
        if minute.is_multiple_of(5) && smoke != Schedule::Absent {
            let dimensions =
                [("FunctionName", "wardgate-development-smoke"), ("Resource", "wardgate-development-smoke:live")];
            let errors = if smoke == Schedule::Fails { 1.0 } else { 0.0 };
            measured.note("AWS/Lambda", metric("Errors", &dimensions), minute, errors, 1.0);
        }
        let is_missed = !self.reached && since.is_some_and(|since| since >= PROBE_NOTICES);
        let status = metric("HealthCheckStatus", &[("HealthCheckId", "")]);
        measured.note("AWS/Route53", status, minute, if is_missed { 0.0 } else { 1.0 }, 1.0);
    }

    /// Which alarms ring, and how many seconds after it has begun to go wrong.
    fn rings(&self, samples: &Samples) -> BTreeMap<String, u64> {
        let measured = self.measurements(samples);
        let alarms = alarms_of(Some(PRODUCTION));
        let watches: Vec<(&str, Watch)> =
            alarms.iter().filter_map(|alarm| Some((alarm.id.as_str(), Watch::of(&alarm.properties)?))).collect();
        let mut rings = BTreeMap::new();
        let mut before: BTreeMap<&str, State> = BTreeMap::new();
        for now in (1..=(BEGINS + self.lasts) / LOOK).map(|look| look * LOOK) {
            let mut alarmed = BTreeSet::new();
            for (id, watch) in &watches {
                let state = watch.state(&measured, now);
                let was = before.insert(id, state).unwrap_or(State::InsufficientData);
                if state == State::Alarm {
                    alarmed.insert(*id);
                }
                let ends = state == State::InsufficientData && was != state && watch.hears_silence;
                if ends || state == State::Alarm && !is_a_window(id) {
                    rings.entry(kebab(id.strip_suffix("Alarm").unwrap_or(id))).or_insert(now);
                }
            }
            for (name, long, short) in COMPOSITES {
                if alarmed.contains(long) && alarmed.contains(short) {
                    rings.entry(name.to_owned()).or_insert(now);
                }
            }
        }
        let since = |at: u64| at.checked_sub(BEGINS).unwrap_or_else(|| panic!("{}: before anything", self.name));
        rings.into_iter().map(|(name, at)| (name, since(at))).collect()
    }
}

/// Alarms on two windows at once.
const COMPOSITES: [(&str, &str, &str); 2] = [
    ("slo-fast-page", "SloFastPageLong", "SloFastPageShort"),
    ("slo-slow-warn", "SloSlowWarnLong", "SloSlowWarnShort"),
];

fn is_a_window(id: &str) -> bool {
    COMPOSITES.iter().any(|(_, long, short)| [*long, *short].contains(&id))
}

/// The page with every scenario.
pub async fn page() -> (&'static str, String) {
    let samples = samples().await;
    let row = |scenario: Scenario| {
        let rings = scenario.rings(&samples);
        let mut rings: Vec<(u64, &String)> = rings.iter().map(|(name, seconds)| (*seconds, name)).collect();
        rings.sort();
        let told: Vec<String> = rings.iter().map(|(seconds, name)| format!("{name} {seconds} s")).collect();
        let told = if told.is_empty() { "nothing".to_owned() } else { told.join(", ") };
        format!("| {} | {told} |\n", scenario.name)
    };
    let rows: String = SCENARIOS.into_iter().map(row).collect();
    (PAGE, format!("{HEAD}{rows}"))
}

const HEAD: &str = "\
# What rings when

<!-- Written by `make generate`. -->

Every alarm of a stage, with production's thresholds, over what real requests were seen to measure, multiplied by minutes
and people: 65 of 100 requests are refreshes, 32 ask for the account, 2 sign in, 1 signs out. Seconds are counted from
where it begins to go wrong; it lasts an hour, a canary ten minutes. How CloudWatch looks is taken from its documentation:
every minute, at the newest periods that have data. How late data are, 90 seconds, is assumed. An alarm on a band that
CloudWatch learns (`sign-in-failures`) is not simulated. The smoke test runs every five minutes; Route 53 asks from outside
every 30 seconds, as in production, and takes two minutes to call the stage gone.

| what happens | what rings |
|---|---|
";

fn scenario(name: &str) -> Scenario {
    SCENARIOS.into_iter().find(|it| it.name == name).unwrap()
}

#[tokio::test]
async fn what_is_no_trouble_rings_nothing() {
    let samples = samples().await;
    for name in ["nothing is wrong, 3,600 requests a minute", "nobody has come yet", "a request every five minutes"] {
        assert_eq!(scenario(name).rings(&samples), BTreeMap::new(), "{name}");
    }
}

/// Before its ten minutes are over, and nobody has to be woken.
#[tokio::test]
async fn a_bad_canary_is_taken_back_within_four_minutes() {
    let samples = samples().await;
    for scenario in SCENARIOS.into_iter().filter(|it| it.name.starts_with("canary: all")) {
        let rings = scenario.rings(&samples);
        assert!(rings["api-rollback"] <= 240, "{}: {rings:?}", scenario.name);
    }
}

/// Nobody has to come for it.
#[tokio::test]
async fn what_is_down_wakes_somebody_within_minutes_where_nobody_asks() {
    let samples = samples().await;
    for (name, alarm, seconds) in [
        ("the table is gone, and nobody asks", "outside-probe-page", 420),
        ("the table is gone, and nobody asks", "smoke-page", 900),
        ("the table is gone, a request every five minutes", "outside-probe-page", 420),
        ("the signing key is gone, and nobody asks", "smoke-page", 900),
        ("the name leads nowhere, and nobody asks", "outside-probe-page", 420),
    ] {
        let rings = scenario(name).rings(&samples);
        assert!(rings.get(alarm).is_some_and(|found| *found <= seconds), "{name}: {rings:?}");
    }
    let rings = scenario("the smoke test runs no more, 600 a minute").rings(&samples);
    assert!(rings.get("smoke-page").is_some_and(|found| *found <= 1800), "{rings:?}");
}

#[tokio::test]
async fn an_outage_wakes_somebody_within_ten_minutes() {
    let samples = samples().await;
    for name in ["all of a release crashes, 600 a minute", "the table does not answer, 600 a minute"] {
        let rings = scenario(name).rings(&samples);
        assert!(rings.iter().any(|(alarm, seconds)| alarm.ends_with("-page") && *seconds <= 600), "{name}: {rings:?}");
    }
    let rings = scenario("the table does not answer, 600 a minute").rings(&samples);
    assert!(rings.contains_key("store-errors-page"), "{rings:?}");
}

#[tokio::test]
async fn what_comes_no_more_is_heard() {
    let samples = samples().await;
    for (name, alarm) in [("nobody comes any more", "silent-page"), ("the eraser comes no more", "eraser-silent-warn")]
    {
        let rings = scenario(name).rings(&samples);
        let alarms: Vec<&str> = rings.keys().map(String::as_str).collect();
        assert_eq!(alarms, [alarm], "{name}");
    }
}

/// As rollback alarms were before [decision 43](../../docs/decisions/0043-what-aws-refuses.md): the newest minute is always
/// the fill.
#[tokio::test]
async fn a_fill_is_all_that_an_alarm_on_one_minute_ever_sees() {
    let measured = scenario("canary: all new code answers 500, 600 a minute").measurements(&samples().await);
    let alarm = alarms_of(Some(PRODUCTION)).into_iter().find(|alarm| alarm.id == "ApiRollbackAlarm").unwrap();
    let mut filled = alarm.properties.clone();
    filled["EvaluationPeriods"] = 1.into();
    let query = filled["Metrics"].as_array_mut().unwrap().iter_mut().find(|query| query["Id"] == "failed").unwrap();
    query["Expression"] = "FILL(errors, 0)".into();
    for (properties, rings) in [(alarm.properties, true), (filled, false)] {
        let watch = Watch::of(&properties).unwrap();
        let looks = (1..=(BEGINS + LASTS) / LOOK).map(|look| watch.state(&measured, look * LOOK));
        assert_eq!(looks.into_iter().any(|state| state == State::Alarm), rings, "{properties}");
    }
}
