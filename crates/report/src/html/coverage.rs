//! What was read and what was not: the first thing in the report.

use maud::{Markup, html};

use super::PageLimits;
use super::picture::{Drawing, NARROW, Pixels, WIDE, chip, figure, words};
use super::table::{self, Row, number, table, text};
use super::words::{clip, count, moment, sentences, thousands, value};
use crate::coverage::{Count, Coverage, DigestCheck, DigestVerdict, Hours};
use crate::time;

/// The account of the run's inputs.
pub(super) fn section(coverage: &Coverage, limits: PageLimits) -> Markup {
    html! {
        section #coverage aria-labelledby="coverage-heading" {
            h2 #coverage-heading { "Coverage" }
            div.sheet {
                (warnings(coverage))
                dl.facts {
                    dt { "Inputs" }
                    dd {
                        (thousands(coverage.inputs)) ": " (thousands(coverage.read)) " read, "
                        (thousands(coverage.partly_read)) " read in part, " (thousands(coverage.skipped)) " skipped"
                        @if coverage.partly_read + coverage.skipped > 0 { " (" a href="#appendix" { "which, and why" } ")" }
                    }
                    dt { "Records" }
                    dd {
                        (thousands(coverage.records)) " = " (count(coverage.events, "event", "events")) " + "
                        (count(coverage.duplicates, "duplicate", "duplicates")) " + " (thousands(coverage.dropped)) " dropped"
                        @if coverage.outside_of_range > 0 { " + " (thousands(coverage.outside_of_range)) " outside of the time range" }
                    }
                    @if !coverage.drop_reasons.is_empty() {
                        dt { "Dropped because" }
                        dd { @for reason in &coverage.drop_reasons { div { (value(&reason.name)) ": " (thousands(reason.count)) } } }
                    }
                    @if let Some(kept) = &coverage.dead_letter {
                        dt { "Kept for a look" } dd { (count(kept.entries, "entry", "entries")) " of what could not be read, in " (value(&kept.file)) }
                    }
                    dt { "Asked for" }
                    dd {
                        @match (&coverage.range_from, &coverage.range_to) {
                            (None, None) => { "everything" }
                            (from, to) => {
                                "from " @match from { Some(at) => { (moment(at)) } None => { "the beginning" } }
                                " to " @match to { Some(at) => { "before " (moment(at)) } None => { "the end" } }
                            }
                        }
                    }
                    dt { "First and last event" }
                    dd {
                        @match (&coverage.first_event, &coverage.last_event) {
                            (Some(first), Some(last)) => { (moment(first)) " to " (moment(last)) }
                            _ => { "no event with a time" }
                        }
                        @if coverage.without_time > 0 { "; " (count(coverage.without_time, "event", "events")) " without a readable time" }
                    }
                    dt { "Volume" } dd { (bytes(coverage.bytes_stored)) " stored, " (bytes(coverage.bytes_decompressed)) " decompressed" }
                    @if let Some(check) = &coverage.digests { dt { "Digests" } dd { (digests(check)) } }
                }
                (sentences(&coverage.notes))
                @match &coverage.hours {
                    Some(hours) => { (hours_section(hours, limits)) }
                    None => { p.soft { "Events were not counted by hour, so that missing hours can't be shown." } }
                }
                div.sides {
                    (tally("Accounts", "Account", &coverage.accounts, coverage.other_accounts, limits))
                    (tally("Regions", "Region", &coverage.regions, coverage.other_regions, limits))
                }
            }
        }
    }
}

fn warnings(coverage: &Coverage) -> Markup {
    html! {
        @if coverage.inputs == 0 { div.warning { b { "Nothing was read." } " There was no input." } }
        @else if coverage.events == 0 { div.warning { b { "No event was read." } " Findings can't be expected." } }
        @if coverage.partly_read + coverage.skipped + coverage.dropped + coverage.not_named > 0 {
            div.warning { b { "Not everything was read. " } "What is missing can hold what would have been found." }
        } @else if coverage.inputs > 0 {
            p { (chip("intact", "Everything was read")) " Every input was read whole, and no record was dropped." }
        }
    }
}

fn digests(check: &DigestCheck) -> Markup {
    let chip = match check.verdict {
        DigestVerdict::Intact => chip("intact", "Intact"),
        DigestVerdict::Incomplete => chip("incomplete", "Not wholly checked"),
        DigestVerdict::Broken => chip("broken", "Broken"),
    };
    html! { (chip) @for text in &check.says { " " (value(text)) } }
}

fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let mut size = number as f64;
    let mut unit = 0;
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{number} bytes") } else { format!("{size:.1} {}", UNITS[unit]) }
}

fn tally(heading: &str, column: &'static str, counts: &[Count], other: u64, limits: PageLimits) -> Markup {
    /// Names that are shown without a click.
    const AT_ONCE: usize = 8;
    let mut sorted: Vec<&Count> = counts.iter().collect();
    sorted.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
    let columns = [text(column), number("Events")];
    let row = |one: &&Count| Row::new(vec![value(&one.name), html! { (thousands(one.count)) }]);
    let (first, rest) = sorted.split_at(sorted.len().min(AT_ONCE));
    let shown = rest.len().min(limits.rows);
    html! {
        div {
            h3 { (heading) " " span.soft { (thousands(counts.len() as u64)) } }
            @if first.is_empty() { p.soft { "None named." } } @else { (table(heading, &columns, first.iter().map(row))) }
            @if !rest.is_empty() {
                details {
                    summary { (thousands(rest.len() as u64)) " more" }
                    (table(heading, &columns, rest[..shown].iter().map(row)))
                    (super::words::and_more(rest.len() - shown, "names", "report.json of the case folder has them"))
                }
            }
            @if other > 0 { p.soft.small { "And " (count(other, "event", "events")) " under names that were too many to keep." } }
        }
    }
}

/// A stretch of hours without an event.
struct Gap {
    from: usize,
    hours: usize,
}

fn gaps(counts: &[u64]) -> Vec<Gap> {
    let mut gaps: Vec<Gap> = Vec::new();
    for (index, _) in counts.iter().enumerate().filter(|(_, count)| **count == 0) {
        match gaps.last_mut() {
            Some(gap) if gap.from + gap.hours == index => gap.hours += 1,
            _ => gaps.push(Gap { from: index, hours: 1 }),
        }
    }
    gaps
}

/// Rows of the picture; the table of gaps has all.
const DRAWN: usize = 12;

fn hours_section(hours: &Hours, limits: PageLimits) -> Markup {
    let mut missing: Vec<(&str, Gap)> = hours
        .rows
        .iter()
        .flat_map(|row| gaps(&row.counts).into_iter().map(|gap| (row.name.as_str(), gap)))
        .collect();
    missing.sort_by(|a, b| b.1.hours.cmp(&a.1.hours).then_with(|| (a.0, a.1.from).cmp(&(b.0, b.1.from))));
    let total: u64 = missing.iter().map(|(_, gap)| gap.hours as u64).sum();
    let all: u64 = hours.rows.iter().map(|row| row.counts.len() as u64).sum();
    let columns = [text("Where"), table::time("From"), table::time("Until before"), number("Hours")];
    let shown = missing.len().min(limits.rows);
    let says = format!("Events by hour: {} of {all} hours without an event", thousands(total));
    let caption = html! {
        "From the first to the last event, from left to right. Filled: hours with events; outlined: hours without any."
        @if longest_row(hours) > cells_in(NARROW) { " Where several hours share a cell, a pale one has some with events and some without." }
        @if hours.rows.len() > DRAWN { " The first " (DRAWN) " of " (thousands(hours.rows.len() as u64)) " rows." }
    };
    html! {
        h3 { "Missing hours " span.soft { (thousands(total)) } }
        @if total == 0 { p { "Every hour between the first and the last event has events." } }
        @else {
            p {
                (count(total, "hour", "hours")) " of " (thousands(all)) " have no event"
                @if hours.rows.len() > 1 { ", each row below counted by itself" }
                ". In a quiet account that is usual; it may also be a gap in the delivery."
            }
        }
        (figure(&says, strip(hours, WIDE, 170.0), strip(hours, NARROW, 0.0), &caption))
        @if !missing.is_empty() {
            details {
                summary { (count(missing.len() as u64, "stretch", "stretches")) " without events, the longest first" }
                (table("Stretches without events", &columns, missing.iter().take(shown).map(|(name, gap)| Row::new(vec![
                    value(name),
                    moment(&hour(hours, gap.from)),
                    moment(&hour(hours, gap.from + gap.hours)),
                    html! { (thousands(gap.hours as u64)) },
                ]))))
                (super::words::and_more(missing.len() - shown, "shorter stretches", "report.json of the case folder has every hour"))
            }
        }
    }
}

/// The beginning of an hour; the text as it stands when the first is no time.
fn hour(hours: &Hours, index: usize) -> String {
    let after = i64::try_from(index).unwrap_or(i64::MAX).saturating_mul(3600);
    let time = time::parsed(&hours.first)
        .and_then(|first| jiff::Timestamp::from_second(first.as_second().saturating_add(after)).ok());
    time.map_or_else(|| format!("{} + {index} h", hours.first), |time| time.to_string())
}

fn longest_row(hours: &Hours) -> usize {
    hours.rows.iter().map(|row| row.counts.len()).max().unwrap_or(0)
}

/// How many cells there is room for.
fn cells_in(room: f64) -> usize {
    (room / 4.0) as usize
}

fn cell_of(class: &str, x: f64, y: f64, width: f64) -> Markup {
    html! { rect class=(class) x=(Pixels(x)) y=(Pixels(y)) width=(Pixels(width)) height="17" {} }
}

/// A strip a row; several hours share a cell where they are many.
fn strip(hours: &Hours, width: f64, left: f64) -> Drawing {
    let rows = &hours.rows[..hours.rows.len().min(DRAWN)];
    let longest = longest_row(hours).max(1);
    let room = width - left;
    let cells = longest.min(cells_in(room)).max(1);
    let per_cell = longest.div_ceil(cells);
    let cells = longest.div_ceil(per_cell);
    let step = room / cells as f64;
    let above = if left == 0.0 { 18.0 } else { 0.0 };
    let row_height = 26.0 + above;
    let content = html! {
        @for (index, row) in rows.iter().enumerate() {
            @let y = row_height * index as f64 + above;
            @if left == 0.0 { (words("soft", 0.0, y - 5.0, &clip(&row.name, 46))) } @else { (words("", 0.0, y + 13.0, &clip(&row.name, 24))) }
            @for (cell, counts) in row.counts.chunks(per_cell).enumerate() {
                @let seen = counts.iter().filter(|count| **count > 0).count();
                @let class = if seen == 0 { "none" } else if seen < counts.len() { "some" } else { "seen" };
                @let inset = if step > 6.0 { 1.0 } else { 0.4 };
                (cell_of(class, left + step * cell as f64 + inset / 2.0, y + 0.5, step - inset))
            }
        }
        @let bottom = row_height * rows.len() as f64 + 10.0;
        (words("soft", left, bottom, &time::short(&hours.first)))
        (words("soft end", width, bottom, &time::short(&hour(hours, longest))))
    };
    Drawing { width, height: row_height * rows.len() as f64 + 16.0, content }
}
