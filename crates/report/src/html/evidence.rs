//! The events that a sentence rests on: when, what, which record, where it lies.

use std::collections::BTreeSet;

use maud::{Markup, html};
use triage::answer::Evidence;
use triage::place::Place;

use super::table::{Row, call, table, text, time};
use super::words::{code, count, moment, thousands, value};

/// Events that are shown without a click.
const AT_ONCE: usize = 4;

/// Events as a table; nothing when there are none. Of many, the first are shown and the others are folded.
pub(super) fn list(evidence: &[Evidence]) -> Markup {
    let (first, rest) = evidence.split_at(evidence.len().min(AT_ONCE));
    html! {
        @if !first.is_empty() { (rows(first)) }
        @if !rest.is_empty() {
            details {
                summary { (count(rest.len() as u64, "more event", "more events")) " as evidence" }
                (rows(rest))
            }
        }
    }
}

/// An event and where it lies, in one cell.
pub(super) fn record(evidence: &Evidence) -> Markup {
    html! {
        div {
            @match &evidence.event_id {
                Some(id) => { (code(id)) br; }
                None => { span.soft { "without an event id" } br; }
            }
            span.soft.small { (place(&evidence.place)) }
        }
    }
}

/// Where a record lies; of a file its last part, because [`files`] has the whole.
fn place(place: &Place) -> Markup {
    html! {
        @match place {
            Place::File { name, offset } => { (value(last_part(name))) ", byte " (thousands(*offset)) }
            Place::Lake => { "in the lake" }
            Place::Unknown => { "its place is not known" }
        }
    }
}

/// The files in which the evidence lies, each once and whole.
pub(super) fn files<'a>(evidence: impl Iterator<Item = &'a Evidence>) -> Markup {
    let files: BTreeSet<&str> = evidence
        .filter_map(|one| match &one.place {
            Place::File { name, .. } => Some(&**name),
            Place::Lake | Place::Unknown => None,
        })
        .collect();
    html! {
        @if !files.is_empty() {
            details {
                summary { (count(files.len() as u64, "file holds", "files hold")) " the evidence" }
                p.soft.small { "Offsets count bytes from the beginning of the file as decompressed." }
                ul { @for file in files { li { (code(file)) } } }
            }
        }
    }
}

fn last_part(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().filter(|part| !part.is_empty()).unwrap_or(path)
}

fn rows(evidence: &[Evidence]) -> Markup {
    let columns = [time("Time"), call("Event"), text("Shows"), text("Record")];
    table(
        "Evidence",
        &columns,
        evidence.iter().map(|one| {
            Row::new(vec![
                moment(&one.time),
                html! { div { (code(&one.action)) div.soft.small { (value(&one.provider)) } } },
                html! { div { (value(&one.shows)) } },
                record(one),
            ])
        }),
    )
}
