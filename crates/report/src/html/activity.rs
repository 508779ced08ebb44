//! Pictures of what a principal does: the hours of the day that are usual, and the session around an alert.

use maud::{Markup, html};
use triage::actor::{Actor, TraitKind};
use triage::surroundings::{SessionStep, Surroundings};

use super::picture::{Drawing, NARROW, Pixels, WIDE, figure, line, rectangle, words};
use super::words::{clip, count, thousands};
use crate::time;

/// Events by hour of the day, with the alert's hour marked; nothing without counts.
pub(super) fn hours(actor: &Actor) -> Markup {
    let total: u64 = actor.hours.iter().sum();
    if actor.hours.len() != 24 || total == 0 {
        return html! {};
    }
    let alert = actor.traits.iter().find(|one| one.kind == TraitKind::Hour);
    let alert =
        alert.and_then(|one| one.value.trim().get(..2).unwrap_or(one.value.trim()).parse::<usize>().ok());
    let most = actor.hours.iter().copied().max().unwrap_or(1).max(1);
    let draw = |width: f64| {
        let step = width / 24.0;
        let content = html! {
            (line("axis", (0.0, 60.5), (width, 60.5)))
            @for (hour, count) in actor.hours.iter().enumerate() {
                @let tall = if *count == 0 { 0.0 } else { (*count as f64 / most as f64 * 44.0).max(2.0) };
                @if tall > 0.0 { (rectangle("seen", step * hour as f64 + 1.0, 60.0 - tall, step - 2.0, tall)) }
                @if hour % 6 == 0 { (words("soft", step * hour as f64, 75.0, &format!("{hour:02}"))) }
            }
            @if let Some(hour) = alert.filter(|hour| *hour < 24) {
                @let x = step * (hour as f64 + 0.5);
                (line("moment", (x, 12.0), (x, 62.0)))
                (words(if hour > 16 { "end" } else { "" }, if hour > 16 { x - 5.0 } else { x + 5.0 }, 11.0, "alert"))
            }
        };
        Drawing { width, height: 80.0, content }
    };
    let busiest = actor.hours.iter().position(|count| *count == most).unwrap_or(0);
    let mut says = format!(
        "Events of the principal by hour of the day: most at {busiest:02} hours UTC, {} in all",
        thousands(total)
    );
    if let Some(hour) = alert {
        says.push_str(&format!("; the alert at {hour:02} hours"));
    }
    let caption = html! { "Events of the principal by hour of the day, UTC." };
    figure(&says, draw(440.0), draw(NARROW), &caption)
}

/// Services that have a lane of their own.
const LANES: usize = 7;

/// The session around an alert, a lane a service; nothing without steps.
pub(super) fn session(surroundings: &Surroundings) -> Markup {
    let steps: Vec<(&SessionStep, i64)> = surroundings
        .session
        .iter()
        .filter_map(|step| Some((step, time::parsed(&step.first)?.as_millisecond())))
        .collect();
    let (Some(first), Some(last)) =
        (steps.iter().map(|(_, at)| *at).min(), steps.iter().map(|(_, at)| *at).max())
    else {
        return html! {};
    };
    let lanes = lanes(&steps);
    let says = format!(
        "{} of the session, from {} to {}, in {}: {}",
        count(steps.iter().map(|(step, _)| step.count).sum(), "event", "events"),
        time::readable(&moment_of(first)),
        time::readable(&moment_of(last)),
        count(lanes.len() as u64, "service", "services"),
        lanes.join(", "),
    );
    let caption = html! {
        "The session around the alert. Each mark is one call or a row of like calls, larger for more; hollow: denied or failed; "
        "the line is the event of the alert."
    };
    let span = (last - first).max(1) as f64;
    let wide = draw(&steps, &lanes, (first, span), WIDE, 190.0);
    let narrow = draw(&steps, &lanes, (first, span), NARROW, 0.0);
    figure(&says, wide, narrow, &caption)
}

fn moment_of(millisecond: i64) -> String {
    jiff::Timestamp::from_millisecond(millisecond).map(|time| time.to_string()).unwrap_or_default()
}

/// The services with the most calls, in order of first appearance; the rest share the last lane.
fn lanes(steps: &[(&SessionStep, i64)]) -> Vec<String> {
    let mut counts: Vec<(&str, u64)> = Vec::new();
    for (step, _) in steps {
        match counts.iter_mut().find(|(name, _)| *name == step.provider) {
            Some((_, count)) => *count += step.count,
            None => counts.push((&step.provider, step.count)),
        }
    }
    if counts.len() <= LANES {
        return counts.into_iter().map(|(name, _)| name.to_owned()).collect();
    }
    // The service of the alert keeps its lane, however few calls it had.
    let subject = steps.iter().find(|(step, _)| step.is_subject).map(|(step, _)| step.provider.as_str());
    let mut by_count = counts.clone();
    by_count.sort_by_key(|(name, count)| (Some(*name) != subject, std::cmp::Reverse(*count)));
    by_count.truncate(LANES - 1);
    let kept = counts.iter().filter(|(name, _)| by_count.iter().any(|(kept, _)| kept == name));
    kept.map(|(name, _)| (*name).to_owned()).chain([OTHERS.to_owned()]).collect()
}

const OTHERS: &str = "other services";

/// `left` is the room for names beside the lanes; zero puts them above.
fn draw(
    steps: &[(&SessionStep, i64)],
    lanes: &[String],
    (first, span): (i64, f64),
    width: f64,
    left: f64,
) -> Drawing {
    let is_narrow = left == 0.0;
    let (row, top) = if is_narrow { (44.0, 22.0) } else { (30.0, 22.0) };
    let bottom = top + row * lanes.len() as f64;
    let place = |at: i64| left + 14.0 + (at - first) as f64 / span * (width - left - 28.0);
    let lane = |provider: &str| {
        let index = lanes.iter().position(|name| name == provider).unwrap_or(lanes.len() - 1);
        top + row * index as f64 + if is_narrow { 29.0 } else { 15.0 }
    };
    let ends = [first, first + span as i64].map(|at| time::short(&moment_of(at)));
    let content = html! {
        @for name in lanes { (line("axis", (left, lane(name)), (width, lane(name)))) }
        @for (_, at) in steps.iter().filter(|(step, _)| step.is_subject).take(1) {
            @let x = place(*at);
            @let at_right = x > width * 0.7;
            (line("moment", (x, 14.0), (x, bottom)))
            (words(if at_right { "strong end" } else { "strong" }, if at_right { x - 5.0 } else { x + 5.0 }, 13.0, "alert"))
        }
        // Over the line of the alert, which crosses them on a narrow screen.
        @for (index, name) in lanes.iter().enumerate() {
            @if is_narrow { (words("soft over", 0.0, top + row * index as f64 + 13.0, &clip(name, 44))) }
            @else { (words("", 0.0, lane(name) + 4.0, &clip(name, 27))) }
        }
        @for (step, at) in steps {
            @let radius = 4.0 + (step.count as f64).ln().clamp(0.0, 5.0);
            circle class={ "mark" @if step.error.is_some() { " failed" } @if step.is_subject { " alert" } }
                cx=(Pixels(place(*at))) cy=(Pixels(lane(&step.provider))) r=(Pixels(radius)) {}
        }
        (words("soft", left, bottom + 16.0, &ends[0]))
        @if ends[1] != ends[0] { (words("soft end", width, bottom + 16.0, &ends[1])) }
    };
    Drawing { width, height: bottom + 22.0, content }
}
