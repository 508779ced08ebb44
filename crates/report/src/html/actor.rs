//! Who acted, how they were authenticated, and what of it is unusual for them.

use maud::{Markup, html};
use triage::actor::{Actor, Novelty, Trait, TraitKind};

use super::activity;
use super::picture::chip;
use super::table::{Row, number, table, text};
use super::words::{code, moment, prose, thousands, value};

/// Who acted.
pub(super) fn section(actor: &Actor) -> Markup {
    html! {
        dl.facts {
            @if let Some(principal) = &actor.principal {
                dt { "Principal" } dd { (code(principal)) @if let Some(kind) = &actor.kind { ", " (value(kind)) } }
            }
            @if actor.arn != actor.principal && let Some(arn) = &actor.arn { dt { "Identity" } dd { (code(arn)) } }
            @if let Some(session) = &actor.session_name { dt { "Session" } dd { (code(session)) } }
            @if let Some(origin) = &actor.origin_principal {
                dt { "Behind it" } dd { (code(origin)) @if let Some(because) = &actor.origin_because { div.soft.small { (value(because)) } } }
            }
            dt { "Second factor" } dd { (yes_or_no(actor.mfa)) }
            dt { "Console session" } dd { (yes_or_no(actor.console)) }
            @if let Some(key) = &actor.access_key {
                dt { "Access key" } dd { (code(key)) @if let Some(first) = &actor.access_key_first_seen { ", first seen " (moment(first)) } }
            }
            @if let Some(address) = &actor.address {
                dt { "Address" }
                dd {
                    (code(address))
                    @if let Some(origin) = &actor.origin {
                        @if let Some(country) = &origin.country { ", " (value(country)) }
                        @if let Some(number) = origin.as_number { ", AS" (number) }
                        @if let Some(organization) = &origin.as_organization { " " (value(organization)) }
                    }
                }
            }
            @if let Some(agent) = &actor.user_agent { dt { "User agent" } dd { (code(agent)) } }
        }
        h5 { "What is normal for this principal" }
        div.p { (prose(&actor.baseline.says)) }
        dl.facts {
            @if let (Some(from), Some(to)) = (&actor.baseline.from, &actor.baseline.to) {
                dt { "Compared with" } dd { (moment(from)) " to " (moment(to)) }
            }
            dt { "Events before" } dd { (thousands(actor.baseline.events)) " on " (thousands(actor.baseline.days)) " days" }
            @if let (Some(first), Some(last)) = (&actor.baseline.first_seen, &actor.baseline.last_seen) {
                dt { "Seen before" } dd { (moment(first)) " to " (moment(last)) }
            }
        }
        (activity::hours(actor))
        (traits(&actor.traits))
    }
}

fn yes_or_no(known: Option<bool>) -> &'static str {
    match known {
        Some(true) => "Yes",
        Some(false) => "No",
        None => "The record doesn't say",
    }
}

fn traits(traits: &[Trait]) -> Markup {
    let columns = [text("Property"), text("Value"), text("How usual"), number("Before"), text("In words")];
    html! {
        @if !traits.is_empty() {
            (table("Properties of the event against what was before", &columns, traits.iter().map(|one| Row::new(vec![
                html! { (trait_name(one.kind)) },
                code(&one.value),
                novelty(one.novelty),
                html! { (thousands(one.before)) },
                html! { div { (prose(&one.says)) @if let Some(first) = &one.first_seen { span.soft.small { " First seen " (moment(first)) "." } } } },
            ]))))
        }
    }
}

fn novelty(novelty: Novelty) -> Markup {
    match novelty {
        Novelty::New => chip("high", "New"),
        Novelty::Rare => chip("medium", "Rare"),
        Novelty::Usual => chip("expected", "Usual"),
        Novelty::Unknown => chip("no", "Can't say"),
    }
}

fn trait_name(kind: TraitKind) -> &'static str {
    match kind {
        TraitKind::Action => "Call",
        TraitKind::Address => "Address",
        TraitKind::Country => "Country",
        TraitKind::Network => "Network",
        TraitKind::UserAgent => "User agent",
        TraitKind::Region => "Region",
        TraitKind::Hour => "Hour, UTC",
        TraitKind::AccessKey => "Access key",
    }
}
