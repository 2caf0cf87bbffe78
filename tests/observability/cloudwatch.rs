//! What CloudWatch makes of an alarm, minute by minute, as far as its documentation tells: data come late, missing ones are
//! not zero, and an alarm looks at some periods more than it counts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use minijinja::{Environment, Expression, Value as Operand};
use serde_json::Value;

use super::alarms::{Watched, watched};
use super::emitted::Metric;

/// Seconds from the end of a minute until an alarm sees its data. Assumed: AWS names no figure, and people see one to two
/// minutes.
pub const LATE: u64 = 90;
/// Seconds between two looks of an alarm.
pub const LOOK: u64 = 60;
/// How many periods beyond those that count an alarm asks for, to take the newest that have data.
const BEYOND: u64 = 2;

/// Values by minute, each with how often it was.
type Minutes = BTreeMap<u64, Vec<(f64, f64)>>;

/// What was measured, by namespace and metric.
#[derive(Default)]
pub struct Measurements(BTreeMap<(String, Metric), Minutes>);

impl Measurements {
    pub fn note(&mut self, namespace: &str, metric: Metric, minute: u64, value: f64, times: f64) {
        let minutes = self.0.entry((namespace.to_owned(), metric)).or_default();
        minutes.entry(minute).or_default().push((value, times));
    }

    /// A statistic of a period, of what is there at this second; none if nothing is.
    fn statistic(&self, asked: &Statistic, begin: u64, now: u64) -> Option<f64> {
        let minutes = self.0.get(&(asked.namespace.clone(), asked.metric.clone()))?;
        let there = (begin / 60..(begin + asked.period) / 60).filter(|minute| (minute + 1) * 60 + LATE <= now);
        let mut values: Vec<(f64, f64)> = there.filter_map(|minute| minutes.get(&minute)).flatten().copied().collect();
        if values.is_empty() {
            return None;
        }
        let times: f64 = values.iter().map(|(_, times)| times).sum();
        Some(match asked.name.as_str() {
            "Sum" => values.iter().map(|(value, times)| value * times).sum(),
            "SampleCount" => times,
            "Maximum" => values.iter().map(|(value, _)| *value).fold(f64::MIN, f64::max),
            "Minimum" => values.iter().map(|(value, _)| *value).fold(f64::MAX, f64::min),
            "p95" | "p99" => {
                let share = if asked.name == "p95" { 0.95 } else { 0.99 };
                values.sort_by(|one, other| one.0.total_cmp(&other.0));
                let mut below = 0.0;
                let reaches = |(_, more): &&(f64, f64)| {
                    below += more;
                    below >= share * times
                };
                values.iter().find(reaches)?.0
            }
            other => panic!("no alarm asked for {other} so far"),
        })
    }
}

/// A statistic of a metric in periods of so many seconds.
struct Statistic {
    namespace: String,
    metric: Metric,
    name: String,
    period: u64,
}

impl Statistic {
    fn of(metric: &Value, name: &Value, period: &Value) -> Self {
        let Watched { namespace, name: of, dimensions } = watched(metric);
        Self {
            namespace,
            metric: (of, dimensions),
            name: name.as_str().unwrap().to_owned(),
            period: period.as_u64().unwrap(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Ok,
    Alarm,
    InsufficientData,
}

/// An alarm on metrics, read from its properties.
pub struct Watch {
    statistics: Vec<(String, Statistic)>,
    /// In the order of the template, the one that is compared last.
    expressions: Vec<(String, Formula)>,
    compared: String,
    breaches: fn(&f64, &f64) -> bool,
    threshold: f64,
    periods: u64,
    breaching: usize,
    missing: String,
    /// Whether it speaks where data end.
    pub hears_silence: bool,
}

impl Watch {
    /// None for one on a band that CloudWatch learns.
    pub fn of(properties: &Value) -> Option<Self> {
        properties.get("ThresholdMetricId").is_none().then(|| Self::on_a_threshold(properties))
    }

    fn on_a_threshold(properties: &Value) -> Self {
        let (mut statistics, mut expressions, mut compared) = (Vec::new(), Vec::new(), "it".to_owned());
        if let Some(queries) = properties["Metrics"].as_array() {
            for query in queries {
                let id = query["Id"].as_str().unwrap().to_owned();
                if query["ReturnData"] != false {
                    compared.clone_from(&id);
                }
                if let Some(expression) = query["Expression"].as_str() {
                    expressions.push((id, Formula::of(expression)));
                    continue;
                }
                let it = &query["MetricStat"];
                statistics.push((id, Statistic::of(&it["Metric"], &it["Stat"], &it["Period"])));
            }
        } else {
            let name = properties.get("Statistic").unwrap_or(&properties["ExtendedStatistic"]);
            statistics.push(("it".to_owned(), Statistic::of(properties, name, &properties["Period"])));
        }
        // An expression may name one that stands after it.
        expressions.sort_by_key(|(id, _)| *id == compared);
        let number = |name: &str| properties[name].as_f64().unwrap();
        let periods = properties["EvaluationPeriods"].as_u64().unwrap();
        Self {
            statistics,
            expressions,
            compared,
            breaches: match properties["ComparisonOperator"].as_str().unwrap() {
                "GreaterThanThreshold" => f64::gt,
                "GreaterThanOrEqualToThreshold" => f64::ge,
                "LessThanThreshold" => f64::lt,
                other => panic!("no alarm compared by {other} so far"),
            },
            threshold: number("Threshold"),
            periods,
            breaching: usize::try_from(properties["DatapointsToAlarm"].as_u64().unwrap_or(periods)).unwrap(),
            missing: properties["TreatMissingData"].as_str().unwrap_or("missing").to_owned(),
            hears_silence: properties.get("InsufficientDataActions").is_some(),
        }
    }

    /// What it says at this second.
    pub fn state(&self, measured: &Measurements, now: u64) -> State {
        let period = self.statistics.first().map(|(_, statistic)| statistic.period).unwrap();
        let newest = now / period * period;
        let begins = (1..=self.periods + BEYOND).filter_map(|back| newest.checked_sub(back * period));
        let there: Vec<f64> = begins.filter_map(|begin| self.value(measured, begin, now)).collect();
        let wanted = usize::try_from(self.periods).unwrap();
        let counted = &there[..wanted.min(there.len())];
        let breaching = counted.iter().filter(|value| (self.breaches)(value, &self.threshold)).count();
        let missing = wanted - counted.len();
        match self.missing.as_str() {
            "missing" if counted.is_empty() => State::InsufficientData,
            "breaching" if breaching + missing >= self.breaching => State::Alarm,
            _ if breaching >= self.breaching => State::Alarm,
            _ => State::Ok,
        }
    }

    /// What it compares, of one period.
    fn value(&self, measured: &Measurements, begin: u64, now: u64) -> Option<f64> {
        let of_metric = |(id, statistic): &(String, Statistic)| (id.clone(), measured.statistic(statistic, begin, now));
        let mut values: BTreeMap<String, Option<f64>> = self.statistics.iter().map(of_metric).collect();
        for (id, expression) in &self.expressions {
            let value = expression.value(&values);
            values.insert(id.clone(), value);
        }
        values.get(&self.compared).copied().flatten()
    }
}

/// What metric math has beside arithmetic.
static FUNCTIONS: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.add_function("SUM", |all: Vec<f64>| all.iter().sum::<f64>());
    environment.add_function("MAX", |all: Vec<f64>| all.into_iter().fold(f64::MIN, f64::max));
    environment.add_function("FILL", |value: f64, _: f64| value);
    environment.add_function("IF", |condition: bool, yes: Operand, no: Operand| if condition { yes } else { no });
    environment
});

/// Metric math.
struct Formula {
    compiled: Expression<'static, 'static>,
    words: BTreeSet<String>,
}

impl Formula {
    fn of(text: &str) -> Self {
        let words = text.split(|letter: char| !letter.is_ascii_alphanumeric()).map(str::to_owned).collect();
        let spelled = text.replace(" AND ", " and ").replace(" OR ", " or ").replace("METRICS()", "METRICS");
        Self { compiled: FUNCTIONS.compile_expression_owned(spelled).unwrap(), words }
    }

    /// What is missing counts for 0 where anything else that is named is there, and a fill is there always.
    fn value(&self, values: &BTreeMap<String, Option<f64>>) -> Option<f64> {
        let is_named = |id: &str| self.words.contains(id) || self.words.contains("METRICS");
        let is_there = values.iter().any(|(id, value)| value.is_some() && is_named(id));
        if !is_there && !self.words.contains("FILL") {
            return None;
        }
        let all: Vec<f64> = values.values().flatten().copied().collect();
        let named = values.iter().map(|(id, value)| (id.clone(), Operand::from(value.unwrap_or(0.0))));
        let context = Operand::from_pairs(named.chain([("METRICS".to_owned(), Operand::from(all))]));
        Some(f64::try_from(self.compiled.eval(context).unwrap()).unwrap())
    }
}
