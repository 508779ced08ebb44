//! What else the principal did around the alert.

use maud::{Markup, html};
use triage::surroundings::{Gravity, Surroundings};

use super::picture::chip;
use super::table::{Row, call, number, table, text, time};
use super::words::{and_more, code, count, moment, prose, thousands, value};
use super::{PageLimits, activity, evidence, findings};

/// What was around.
pub(super) fn section(around: &Surroundings, limits: PageLimits) -> Markup {
    let steps = [time("From"), time("Until"), call("Call"), text("Region"), number("Count"), text("Error")];
    let alerts = [time("Time"), text("Severity"), text("Rule"), text("Alert")];
    let shown = around.session.len().min(limits.rows);
    let others = if around.alerts.iter().any(|alert| alert.linked) {
        "Other alerts of the same principal and of these sessions"
    } else {
        "Other alerts of the same principal"
    };
    html! {
        @if let (Some(from), Some(to)) = (&around.from, &around.to) {
            p.soft { "Looked at from " (moment(from)) " until before " (moment(to)) "; "
                (count(around.denied, "call was denied", "calls were denied")) "." }
        }
        (activity::session(around))
        @if around.acts.is_empty() { p { "No act of this principal stands out beside the alert." } }
        @for act in &around.acts {
            div.question {
                h5 { span { (prose(&act.says)) } (gravity(act.gravity)) }
                p.soft.small { (count(act.count, "event", "events")) }
                (evidence::list(&act.evidence))
            }
        }
        @if !around.linked.is_empty() {
            h5 { "Sessions that hang together with this one" }
            ul {
                @for link in around.linked.iter().take(limits.rows) {
                    li { (prose(&link.says)) span.soft { " " (count(link.acts, "act is listed", "acts are listed")) "." } }
                }
            }
            (and_more(around.linked.len().saturating_sub(limits.rows), "sessions", "report.json of the case folder has all"))
        }
        @if !around.alerts.is_empty() {
            h5 { (others) }
            (table(others, &alerts, around.alerts.iter().take(limits.rows).map(|one| Row::new(vec![
                moment(&one.time), findings::severity(&one.severity), value(&one.rule_name), code(&one.uuid),
            ]))))
            (and_more(around.alerts.len().saturating_sub(limits.rows), "alerts", "report.json of the case folder has all"))
        }
        @for missing in &around.missing { div.warning { b { "Missing: " } (value(missing)) } }
        @if !around.session.is_empty() {
            details {
                summary { "The session, " (count(around.session.len() as u64, "step", "steps")) }
                (table("The session", &steps, around.session.iter().take(shown).map(|step| Row::new(vec![
                    moment(&step.first),
                    html! { @if step.last != step.first { (moment(&step.last)) } },
                    html! { div { (code(&step.action)) @if step.is_subject { " " b { "the alert's event" } } div.soft.small { (value(&step.provider)) } } },
                    html! { @if let Some(region) = &step.region { (value(region)) } },
                    html! { (thousands(step.count)) },
                    html! { @if let Some(error) = &step.error { (code(error)) } },
                ]).subject(step.is_subject))))
                (and_more(around.session.len() - shown, "steps", "timeline.csv of the case folder has all"))
            }
        }
    }
}

fn gravity(gravity: Gravity) -> Markup {
    match gravity {
        Gravity::Destructive => chip("critical", "Destructive"),
        Gravity::Blinding => chip("high", "Blinds logging"),
        Gravity::Access => chip("medium", "Access"),
        Gravity::Denied => chip("low", "Denied"),
        Gravity::Discovery => chip("no", "Discovery"),
    }
}
