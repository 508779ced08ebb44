//! The route for Prometheus: the numbers of the running parts, and counts from the state.
//!
//! Source of the format: Prometheus documentation, "Text-based format", version 0.0.4.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use state::{AlertCountField, AlertFilter, ExecutionStatus, GapFilter, GapState, NotificationState};
use utoipa_axum::routes;

use super::AppState;
use super::access::Routes;
use super::problem::Problem;
use crate::control::Number;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes.viewer(routes!(metrics))
}

/// Numbers for Prometheus.
#[utoipa::path(
    get, path = "/metrics", tag = "health", operation_id = "metrics",
    responses((status = 200, description = "Prometheus' text format.", body = String, content_type = "text/plain"))
)]
async fn metrics(State(state): State<AppState>) -> Result<impl IntoResponse, Problem> {
    let health = state.control.health().await;
    let mut numbers = health.numbers;
    if let Some(through) = health.evaluated_through {
        let lag = state.clock.now().duration_since(through).as_secs_f64().max(0.0);
        let help = "Now minus the event time of the newest event that every enabled rule has evaluated.";
        numbers.push(gauge("detection_lag_seconds", help, vec![], lag));
    }
    numbers.push(gauge(
        "bartizan_ready",
        "1 once rules are loaded and the lake is open.",
        vec![],
        f64::from(u8::from(health.is_ready)),
    ));
    for (name, fault) in health.parts {
        let help = "1 while nothing is wrong with the part.";
        let value = f64::from(u8::from(fault.is_none()));
        numbers.push(gauge("bartizan_part_healthy", help, vec![("part", name)], value));
    }
    add_counts(&state, &mut numbers).await?;
    let headers = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    Ok((headers, written(&numbers)))
}

fn gauge(name: &'static str, help: &'static str, labels: Vec<(&'static str, String)>, value: f64) -> Number {
    Number { name, help, kind: "gauge", labels, value }
}

async fn add_counts(state: &AppState, numbers: &mut Vec<Number>) -> Result<(), Problem> {
    let store = &state.store;
    let rules = store.rules().await?;
    for (enabled, word) in [(true, "true"), (false, "false")] {
        let count = rules.iter().filter(|rule| rule.enabled == enabled).count();
        let labels = vec![("enabled", word.to_owned())];
        numbers.push(gauge("bartizan_rules", "Rules.", labels, count as f64));
    }
    let faulty = rules.iter().filter(|rule| rule.fault.is_some()).count();
    let help = "Rules with a newer text that was not taken.";
    numbers.push(gauge("bartizan_rules_with_faults", help, vec![], faulty as f64));
    for (status, count) in store.count_alerts(&AlertFilter::default(), AlertCountField::Status).await? {
        let labels = vec![("status", status)];
        numbers.push(gauge("bartizan_alerts", "Alerts by status of the work.", labels, count as f64));
    }
    let mut ends: BTreeMap<&'static str, u64> =
        ExecutionStatus::ALL.iter().map(|status| (status.as_str(), 0)).collect();
    for execution in store.last_executions().await? {
        *ends.entry(execution.status.as_str()).or_default() += 1;
    }
    for (status, count) in ends {
        let help = "Rules by what came of their last execution.";
        let labels = vec![("status", status.to_owned())];
        numbers.push(gauge("bartizan_rules_by_last_execution", help, labels, count as f64));
    }
    for gap_state in [GapState::Open, GapState::Filling] {
        let filter = GapFilter { states: vec![gap_state], ..GapFilter::default() };
        let count = store.gaps(&filter, i32::MAX as u32).await?.len();
        let labels = vec![("state", gap_state.to_string())];
        numbers.push(gauge("bartizan_gaps", "Gaps that are not filled yet.", labels, count as f64));
    }
    let connectors = store.connectors().await?;
    for (enabled, word) in [(true, "true"), (false, "false")] {
        let count = connectors.iter().filter(|connector| connector.enabled == enabled).count();
        let labels = vec![("enabled", word.to_owned())];
        numbers.push(gauge("bartizan_connectors", "Connectors.", labels, count as f64));
    }
    let counts: BTreeMap<NotificationState, u64> = store.count_notifications().await?.into_iter().collect();
    for notification_state in NotificationState::ALL {
        let count = counts.get(notification_state).copied().unwrap_or_default();
        let labels = vec![("state", notification_state.to_string())];
        numbers.push(gauge("bartizan_notifications", "Messages by state.", labels, count as f64));
    }
    Ok(())
}

/// The numbers as text; those of one name stand together, as the format wants it.
fn written(numbers: &[Number]) -> String {
    let mut by_name: BTreeMap<&str, Vec<&Number>> = BTreeMap::new();
    for number in numbers {
        by_name.entry(number.name).or_default().push(number);
    }
    let mut text = String::new();
    for (name, numbers) in by_name {
        if let Some(first) = numbers.first() {
            let help = first.help.replace('\\', "\\\\").replace('\n', "\\n");
            // Writing to a string does not fail.
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {}", first.kind);
        }
        for number in numbers {
            let labels: Vec<String> =
                number.labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            let _ = writeln!(text, "{name}{labels} {}", number.value);
        }
    }
    text
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_a_name_stand_together_and_labels_are_escaped() {
        let numbers = [
            gauge("b", "B.", vec![("rule", "a\"b\\c\nd".to_owned())], 1.5),
            gauge("a", "A.", vec![], 2.0),
            gauge("b", "B.", vec![], f64::INFINITY),
        ];
        let expected = "# HELP a A.\n# TYPE a gauge\na 2\n# HELP b B.\n# TYPE b gauge\n\
                        b{rule=\"a\\\"b\\\\c\\nd\"} 1.5\nb inf\n";
        assert_eq!(written(&numbers), expected);
    }
}
