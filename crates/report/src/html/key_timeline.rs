//! The picture of a key's life: a band of states with the events between them, and the clocks ahead.
//!
//! Events of an attack lie minutes apart and its clock runs for days, so the band isn't to scale: spans are written.

use maud::{Markup, html};
use triage::kms::clock::ClockKind;
use triage::kms::key_report::KeyReport;
use triage::kms::state::KeyState;

use super::keys::clock_name;
use super::picture::{Drawing, NARROW, WIDE, figure, line, rectangle, words};
use super::words::{clip, thousands};
use crate::time;

/// Changes in one picture; of more, the last are shown.
const CHANGES: usize = 12;
/// Changes that fit beside each other.
const ABREAST: usize = 4;

/// A change of state, or the end of a clock.
struct Change {
    time: String,
    what: String,
    /// The state that follows.
    after: KeyState,
    is_ahead: bool,
}

/// The picture; nothing when no state is known.
pub(super) fn picture(key: &KeyReport) -> Markup {
    let (before, changes, left_out) = changes(key);
    if changes.is_empty() {
        return html! {};
    }
    let mut says = format!("The key's states: first {}", state_name(before));
    for change in &changes {
        says.push_str(&format!(
            "; {} at {}: {}",
            change.what,
            time::readable(&change.time),
            state_name(change.after)
        ));
    }
    let wide = if changes.len() <= ABREAST { across(before, &changes) } else { down(WIDE, before, &changes) };
    let caption = html! {
        "States of the key, not to scale. Dashed: ahead, unless somebody acts."
        @if left_out > 0 { " " (thousands(left_out as u64)) " earlier changes are in the list below." }
    };
    figure(&says, wide, down(NARROW, before, &changes), &caption)
}

/// The state before the first change that is shown, the changes, and how many were left out.
fn changes(key: &KeyReport) -> (KeyState, Vec<Change>, usize) {
    let mut all: Vec<(KeyState, Change)> = Vec::new();
    for entry in &key.timeline {
        if let Some(after) = entry.after {
            let before = entry.before.or(all.last().map(|(_, last)| last.after)).unwrap_or(KeyState::Unknown);
            let what = entry.action.clone();
            all.push((before, Change { time: entry.time.clone(), what, after, is_ahead: false }));
        }
    }
    for clock in &key.clocks {
        let after = match clock.kind {
            ClockKind::Deletion | ClockKind::ReplicaDeletion => KeyState::Deleted,
            ClockKind::MaterialExpiry => KeyState::PendingImport,
            ClockKind::DependentService => continue,
        };
        if let Some(ends) = clock.ends.as_ref().filter(|_| clock.seconds_left.is_some_and(|left| left > 0)) {
            let what = clock_name(clock.kind).to_owned();
            all.push((key.state, Change { time: ends.clone(), what, after, is_ahead: true }));
        }
    }
    let left_out = all.len().saturating_sub(CHANGES);
    let shown = all.split_off(left_out);
    let before = shown.first().map_or(KeyState::Unknown, |(before, _)| *before);
    (before, shown.into_iter().map(|(_, change)| change).collect(), left_out)
}

/// How long the state after a change lasted, where the next one tells.
fn lasted(changes: &[Change], index: usize) -> Option<String> {
    let seconds = time::seconds_between(&changes[index].time, &changes.get(index + 1)?.time)?;
    Some(time::span(seconds))
}

fn state_class(state: KeyState, is_ahead: bool) -> String {
    format!("state {state:?}{}", if is_ahead { " ahead" } else { "" })
}

/// The band from left to right: events above it, their times below.
fn across(before: KeyState, changes: &[Change]) -> Drawing {
    let part = WIDE / (changes.len() + 1) as f64;
    let (top, height) = (52.0, 46.0);
    let content = html! {
        (rectangle(&state_class(before, false), 0.5, top, part - 1.0, height))
        (words("strong middle", part / 2.0, top + 20.0, state_name(before)))
        (words("soft middle", part / 2.0, top + 37.0, "before"))
        @for (index, change) in changes.iter().enumerate() {
            @let x = part * (index + 1) as f64;
            // Every second name stands higher, so that long ones don't meet.
            @let name_y = if index % 2 == 0 { 34.0 } else { 14.0 };
            (rectangle(&state_class(change.after, change.is_ahead), x + 0.5, top, part - 1.0, height))
            (words("strong middle", x + part / 2.0, top + 20.0, state_name(change.after)))
            @match lasted(changes, index) {
                Some(span) => { (words("soft middle", x + part / 2.0, top + 37.0, &format!("for {span}"))) }
                None if change.is_ahead => { (words("soft middle", x + part / 2.0, top + 37.0, "if nobody acts")) }
                None => { (words("soft middle", x + part / 2.0, top + 37.0, "as far as the logs reach")) }
            }
            (line(if change.is_ahead { "boundary clock" } else { "boundary" }, (x, name_y + 5.0), (x, top + height + 8.0)))
            (words("middle", x, name_y, &clip(&change.what, 34)))
            (words("soft middle", x, top + height + 23.0, &time::readable(&change.time)))
        }
    };
    Drawing { width: WIDE, height: top + height + 32.0, content }
}

/// The band from top to bottom: each event with its time beside it.
fn down(width: f64, before: KeyState, changes: &[Change]) -> Drawing {
    let (row, first) = (62.0, 34.0);
    let characters = (width / 7.2) as usize;
    let content = html! {
        (rectangle(&state_class(before, false), 0.5, 0.5, 14.0, first - 1.0))
        (words("soft", 26.0, 18.0, &format!("before: {}", state_name(before))))
        @for (index, change) in changes.iter().enumerate() {
            @let y = first + row * index as f64;
            (rectangle(&state_class(change.after, change.is_ahead), 0.5, y, 14.0, row - 1.0))
            (line(if change.is_ahead { "boundary clock" } else { "boundary" }, (0.0, y), (22.0, y)))
            (words("strong", 26.0, y + 12.0, &clip(&change.what, characters)))
            (words("soft", 26.0, y + 28.0, &time::readable(&change.time)))
            (words("", 26.0, y + 44.0, &clip(&match lasted(changes, index) {
                Some(span) => format!("{} for {span}", state_name(change.after)),
                None if change.is_ahead => format!("{}, if nobody acts", state_name(change.after)),
                None => format!("{}, as far as the logs reach", state_name(change.after)),
            }, characters)))
        }
    };
    Drawing { width, height: first + row * changes.len() as f64, content }
}

/// The words for a state.
pub(super) fn state_name(state: KeyState) -> &'static str {
    match state {
        KeyState::Creating => "Creating",
        KeyState::Enabled => "Enabled",
        KeyState::Disabled => "Disabled",
        KeyState::PendingImport => "Pending import",
        KeyState::PendingDeletion => "Pending deletion",
        KeyState::PendingReplicaDeletion => "Pending replica deletion",
        KeyState::Unavailable => "Unavailable",
        KeyState::Updating => "Updating",
        KeyState::Deleted => "Deleted",
        KeyState::Unknown => "Not known",
    }
}
