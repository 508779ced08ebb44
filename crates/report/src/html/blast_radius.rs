//! What depends on a key: a graph of the strongest, and a table of all.

use maud::{Markup, html};
use triage::kms::blast_radius::{BlastRadius, Dependent, Grade};

use super::picture::{Drawing, NARROW, Pixels, WIDE, figure, rectangle, words};
use super::table::{Row, number, table, text, time};
use super::words::{and_more, clip, clip_middle, code, count, moment, prose, thousands, value};
use super::{PageLimits, evidence};
use crate::time::short;

/// Dependents in the graph.
const DRAWN: usize = 10;

/// One key's.
pub(super) fn section(radius: &BlastRadius, limits: PageLimits) -> Markup {
    let columns = [text("Evidence"), text("What depends on it"), time("Events"), text("Records")];
    let shown = radius.dependents.len().min(limits.rows);
    let materials = [text("Key material"), number("Uses"), time("First"), time("Last")];
    html! {
        h5 { "Depends on " span.mono { (radius.key) } }
        @if radius.dependents.is_empty() {
            p { "Nothing in the logs depends on the key. That proves nothing by itself: see below." }
        } @else {
            (picture(radius))
            (table("What depends on the key", &columns, radius.dependents.iter().take(shown).map(|one| Row::new(vec![
                html! { b { (grade_name(one.grade)) } },
                html! {
                    div {
                        (code(name(one)))
                        @if one.resource.is_some() && let Some(service) = &one.service { div.soft.small { (value(service)) } }
                        div { (prose(&one.says)) }
                        @for principal in &one.principals { div.small { span.soft { "by " } (code(principal)) } }
                    }
                },
                html! { div { b { (thousands(one.count)) } br; (moment(&one.first)) br; (moment(&one.last)) } },
                html! { @if !one.evidence.is_empty() { div { @for record in &one.evidence { (evidence::record(record)) } } } },
            ]))))
            (and_more(radius.dependents.len() - shown, "dependents", "report.json of the case folder has all"))
        }
        @if !radius.materials.is_empty() {
            (table("Uses by key material", &materials, radius.materials.iter().map(|one| Row::new(vec![
                code(&one.material), html! { (thousands(one.uses)) }, moment(&one.first), moment(&one.last),
            ]))))
        }
        @for why in &radius.unknown_because { div.warning { b { "More may depend on it: " } (value(why)) } }
    }
}

fn name(dependent: &Dependent) -> &str {
    dependent
        .resource
        .as_deref()
        .or(dependent.service.as_deref())
        .or(dependent.principals.first().map(String::as_str))
        .unwrap_or("direct use")
}

/// The words for a grade.
fn grade_name(grade: Grade) -> &'static str {
    match grade {
        Grade::BrokenNow => "Broken now",
        Grade::ObservedUse => "Observed use",
        Grade::Granted => "Granted",
        Grade::Declared => "Declared",
        Grade::Live => "Live",
    }
}

fn class(grade: Grade) -> &'static str {
    match grade {
        Grade::BrokenNow => "broken_now",
        Grade::ObservedUse => "observed_use",
        Grade::Granted => "granted",
        Grade::Declared => "declared",
        Grade::Live => "live",
    }
}

fn picture(radius: &BlastRadius) -> Markup {
    let drawn = &radius.dependents[..radius.dependents.len().min(DRAWN)];
    let mut says = format!("{} depend on the key", count(radius.dependents.len() as u64, "thing", "things"));
    for one in drawn {
        says.push_str(&format!("; {}: {}", grade_name(one.grade), clip_middle(name(one), 80)));
    }
    let caption = html! {
        "Each line names its grade of evidence: thick for broken now and observed use, dashed for granted, dotted for declared."
        @if radius.dependents.len() > drawn.len() {
            " The picture has the strongest " (drawn.len()) " of " (thousands(radius.dependents.len() as u64)) "; the table goes on."
        }
    };
    figure(&says, wide(&radius.key, drawn), narrow(&radius.key, drawn), &caption)
}

fn first_words(one: &Dependent) -> String {
    format!("{} · {}", grade_name(one.grade), count(one.count, "event", "events"))
}

fn second_line(one: &Dependent) -> String {
    format!("{} · last {}", first_words(one), short(&one.last))
}

fn box_class(one: &Dependent) -> String {
    format!("box {}", class(one.grade))
}

/// The key at the left, what depends on it at the right.
fn wide(key: &str, drawn: &[Dependent]) -> Drawing {
    let (row, box_height, left, right) = (54.0, 44.0, 270.0, 420.0);
    let height = row * drawn.len() as f64 - (row - box_height) + 2.0;
    let height = height.max(60.0);
    let middle = height / 2.0;
    let content = html! {
        @for (index, one) in drawn.iter().enumerate() {
            @let y = 1.0 + row * index as f64 + box_height / 2.0;
            path class={ "edge " (class(one.grade)) }
                d={ "M" (Pixels(left)) " " (Pixels(middle)) " C" (Pixels(left + 90.0)) " " (Pixels(middle)) " "
                    (Pixels(right - 90.0)) " " (Pixels(y)) " " (Pixels(right)) " " (Pixels(y)) } {}
        }
        (rectangle("box key", 0.5, middle - 26.0, left, 52.0))
        (words("strong", 12.0, middle - 4.0, "KMS key"))
        (words("mono", 12.0, middle + 14.0, &clip_middle(short_key(key), 38)))
        @for (index, one) in drawn.iter().enumerate() {
            @let y = 1.0 + row * index as f64;
            (rectangle(&box_class(one), right, y, WIDE - right - 1.0, box_height))
            (words("mono", right + 12.0, y + 18.0, &clip_middle(name(one), 66)))
            (words("soft", right + 12.0, y + 35.0, &clip(&second_line(one), 56)))
        }
    };
    Drawing { width: WIDE, height, content }
}

/// The key on top, what depends on it below.
fn narrow(key: &str, drawn: &[Dependent]) -> Drawing {
    let (row, box_height, top, left) = (56.0, 46.0, 60.0, 26.0);
    let content = html! {
        @for (index, one) in drawn.iter().enumerate() {
            @let y = top + row * index as f64 + box_height / 2.0;
            path class={ "edge " (class(one.grade)) } d={ "M12 46 V" (Pixels(y)) " H" (Pixels(left)) } {}
        }
        (rectangle("box key", 0.5, 0.5, NARROW - 1.0, 46.0))
        (words("strong", 12.0, 19.0, "KMS key"))
        (words("mono", 12.0, 36.0, &clip_middle(short_key(key), 42)))
        @for (index, one) in drawn.iter().enumerate() {
            @let y = top + row * index as f64;
            (rectangle(&box_class(one), left, y, NARROW - left - 1.0, box_height))
            (words("mono", left + 9.0, y + 19.0, &clip_middle(name(one), 40)))
            (words("soft", left + 9.0, y + 36.0, &clip(&first_words(one), 36)))
        }
    };
    Drawing { width: NARROW, height: top + row * drawn.len() as f64, content }
}

/// The last part of a key's ARN.
fn short_key(key: &str) -> &str {
    key.rsplit_once(":key/").map_or(key, |(_, id)| id)
}
