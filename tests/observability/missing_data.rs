//! What alarms make of data that are not there (decision 43).

use super::TEMPLATE;
use super::alarms::{alarms, resolved};
use crate::harness::cloudformation::resources;

/// CloudWatch looks at the newest minute before its data are there. A fill would be all that it sees, each time.
#[test]
fn no_alarm_fills_in_what_is_missing_and_each_that_looks_at_one_minute_looks_back() {
    let mut minutes = 0;
    for alarm in alarms() {
        for (expression, _) in alarm.expressions() {
            assert!(!expression.contains("FILL"), "{}: {expression}", alarm.id);
        }
        let periods = alarm.properties["Metrics"].as_array().into_iter().flatten();
        let mut periods = periods.filter_map(|query| query["MetricStat"]["Period"].as_u64());
        if alarm.properties["Period"] == 60 || periods.any(|period| period == 60) {
            minutes += 1;
            let looked_at = alarm.properties["EvaluationPeriods"].as_u64().unwrap();
            assert!((3..=5).contains(&looked_at), "{} looks at {looked_at} minutes", alarm.id);
        }
    }
    assert!(minutes > 5, "{minutes}");
}

/// An alarm on a metric of DynamoDB's own ignores what is missing, whatever it is told to make of it: it would never end.
#[test]
fn no_alarm_watches_what_dynamodb_says_of_itself() {
    for alarm in alarms() {
        for watched in alarm.watched() {
            assert_ne!(watched.namespace, "AWS/DynamoDB", "{}", alarm.id);
        }
    }
}

/// A stage that nobody has used yet has no metrics. An alarm that takes this for a failure rings before there is anything
/// to be wrong; one that hears of data that stop does not.
#[test]
fn no_alarm_rings_for_what_has_not_begun() {
    for stage_file in [None, Some("infra/staging/parameters.yaml"), Some("infra/production/parameters.yaml")] {
        let template = resolved(TEMPLATE, stage_file);
        let mut silent = 0;
        for (id, alarm) in resources(&template, "AWS::CloudWatch::Alarm") {
            assert_ne!(alarm["TreatMissingData"], "breaching", "{id}");
            if alarm["TreatMissingData"] == "missing" {
                silent += 1;
                assert_eq!(alarm["InsufficientDataActions"], alarm["AlarmActions"], "{id}");
            }
        }
        assert!(silent > 0, "{stage_file:?}");
    }
}
