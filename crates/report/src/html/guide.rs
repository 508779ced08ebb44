//! The guide's questions, each with its answer and evidence, or the reason for none.

use maud::{Markup, html};
use triage::answer::Answered;
use triage::report::AnsweredQuestion;

use super::evidence;
use super::picture::chip;
use super::words::{prose, sentences};

/// The questions in the guide's order.
pub(super) fn section(questions: &[AnsweredQuestion]) -> Markup {
    html! {
        @if questions.is_empty() { p.soft { "The rule's guide asks no questions." } }
        @for asked in questions {
            div.question {
                h5 { span { (prose(&asked.question)) } (chip_of(asked.answer.answered)) }
                (sentences(&asked.answer.text))
                @if let Some(why) = &asked.answer.why_not_whole {
                    div.why { b { (missing(asked.answer.answered)) } " " (prose(why)) }
                }
                @for warning in &asked.answer.warnings { div.warning { b { "Mind: " } (prose(warning)) } }
                @if asked.answer.evidence.is_empty() {
                    @if asked.answer.answered != Answered::No { p.soft.small { "No single event is named as evidence." } }
                } @else { (evidence::list(&asked.answer.evidence)) }
            }
        }
    }
}

fn missing(answered: Answered) -> &'static str {
    match answered {
        Answered::No => "No answer:",
        Answered::Partly => "What is missing:",
        Answered::Yes => "Note:",
    }
}

fn chip_of(answered: Answered) -> Markup {
    match answered {
        Answered::Yes => chip("yes", "Answered"),
        Answered::Partly => chip("partly", "Answered in part"),
        Answered::No => chip("no", "Not answered"),
    }
}
