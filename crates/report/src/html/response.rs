//! What to do about an alert: steps in order, with commands to copy.

use maud::{Markup, html};
use triage::response::{ResponseAction, ResponsePlan};

use super::words::{sentences, value};

/// The steps.
pub(super) fn section(plan: &ResponsePlan) -> Markup {
    html! {
        @if plan.steps.is_empty() { p.soft { "No step is proposed." } }
        @else {
            p.soft { "Nothing of this was done. Every command is for people to read, and to run after they have decided." }
            ol.steps {
                @for step in &plan.steps {
                    li {
                        h5 { (step.title) }
                        (sentences(&step.why))
                        @if let Some(ask) = &step.ask { div.ask { b { "To decide first: " } (value(ask)) } }
                        @for command in &step.commands {
                            div.command { pre tabindex="0" { code { (command) } } }
                        }
                        @if let Some(action) = step.action {
                            p.soft.small {
                                "Once two people agree, " code { "bartizan respond" } " can do it: " (name(action)) "."
                            }
                        }
                    }
                }
            }
        }
    }
}

fn name(action: ResponseAction) -> &'static str {
    match action {
        ResponseAction::CancelKeyDeletion => "CancelKeyDeletion, which leaves the key disabled",
        ResponseAction::EnableKey => "EnableKey",
    }
}
