//! Investigated alerts in a few lines each: the verdict, why, the key's state and clocks, and what is still open.

use std::io::{self, Write};

use triage::answer::Answered;
use triage::kms::key_report::Risk;
use triage::report::TriageReport;
use triage::verdict::VerdictLevel;

use crate::printer::{Output, Paint, count, visible};

/// So many are shown; the others are counted.
const SHOWN: usize = 20;
/// Reasons of each kind that are shown.
const REASONS: usize = 3;

/// Writes the investigations, the gravest first.
pub(crate) fn write(out: &mut Output, reports: &mut [TriageReport]) -> io::Result<()> {
    if reports.is_empty() {
        return Ok(());
    }
    reports.sort_by(|a, b| {
        (a.verdict.level, &a.alert.time, &a.alert.uuid).cmp(&(b.verdict.level, &b.alert.time, &b.alert.uuid))
    });
    writeln!(out)?;
    writeln!(out, "{}", out.paint(Paint::Heading, "Investigated"))?;
    for report in reports.iter().take(SHOWN) {
        write_one(out, report)?;
    }
    if reports.len() > SHOWN {
        let more = count((reports.len() - SHOWN) as u64, "more investigation", "more investigations");
        writeln!(out, "  {more}: `--report FILE` and `--format json` have them all")?;
    }
    Ok(())
}

fn write_one(out: &mut Output, report: &TriageReport) -> io::Result<()> {
    let (name, paint) = match report.verdict.level {
        VerdictLevel::MaliciousLooking => ("looks malicious", Paint::Alarm),
        VerdictLevel::NeedsHuman => ("needs a human", Paint::Caution),
        VerdictLevel::Expected => ("looks expected", Paint::Faint),
    };
    let alert = &report.alert;
    writeln!(
        out,
        "  {}  {}  {}",
        alert.time.replace(".000Z", "Z"),
        out.paint(paint, name),
        visible(&alert.rule_name)
    )?;
    for (reasons, sign) in [(&report.verdict.for_attack, '+'), (&report.verdict.against_attack, '-')] {
        for reason in reasons.iter().take(REASONS) {
            writeln!(out, "      {sign} {}", visible(&reason.says))?;
        }
        if reasons.len() > REASONS {
            writeln!(out, "      {sign} and {}", count((reasons.len() - REASONS) as u64, "more", "more"))?;
        }
    }
    for key in &report.keys {
        let paint = if key.risk >= Risk::High { Paint::Alarm } else { Paint::Faint };
        let (id, at) = (visible(&key.key), report.at.replace(".000Z", "Z"));
        writeln!(out, "      key {id}: {:?} at {at}. {}", key.state, visible(&key.risk_because))?;
        for clock in &key.clocks {
            writeln!(out, "        {}", out.paint(paint, visible(&clock.says)))?;
        }
    }
    if let Some(reimport) = &report.reimport
        && let Some(says) = reimport.says.first()
    {
        writeln!(out, "      {}", visible(says))?;
    }
    let of = |answered: Answered| {
        report.questions.iter().filter(|question| question.answer.answered == answered).count()
    };
    writeln!(
        out,
        "      {}: {} answered, {} in part, {} not",
        count(report.questions.len() as u64, "question of the guide", "questions of the guide"),
        of(Answered::Yes),
        of(Answered::Partly),
        of(Answered::No)
    )
}
