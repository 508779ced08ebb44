//! One offline page: coverage first, then what was found, each alert with its investigation, and the appendix.

mod activity;
mod actor;
mod appendix;
mod attack;
mod blast_radius;
mod coverage;
mod evidence;
mod findings;
mod guide;
mod investigation;
mod key_timeline;
mod keys;
mod picture;
mod response;
mod surroundings;
mod table;
mod verdict;
mod words;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use self::findings::Order;
use self::words::{moment, thousands};
use crate::hunt_report::HuntReport;
use crate::visible::visible;

/// How much of a long report the page shows. What is beyond is counted on the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLimits {
    /// Investigations in full, the gravest first.
    pub investigations: usize,
    /// Rows of one rule among the other alerts, and of one table.
    pub rows: usize,
}

impl Default for PageLimits {
    fn default() -> Self {
        Self { investigations: 200, rows: 500 }
    }
}

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The report as one HTML file that needs nothing else: no network, no fonts, no pictures from elsewhere.
///
/// Text from logs stays text: everything is escaped, deceiving characters are made visible, and the page's own policy
/// lets only its own script and style run, named by their hashes.
pub fn page(report: &HuntReport, limits: PageLimits) -> String {
    let order = Order::of(report, limits);
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                meta name="robots" content="noindex";
                title { (report.title) " – Bartizan" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#main" { "Skip to the report" }
                (masthead(report))
                div.layout {
                    (contents(report, &order))
                    main #main {
                        (coverage::section(&report.coverage, limits))
                        (findings::section(report, &order))
                        (investigation::section(report, &order, limits))
                        (findings::others(report, &order, limits))
                        (attack::section(&report.rules))
                        (appendix::section(report, limits))
                    }
                }
                footer.foot {
                    "Made by Bartizan" @if !report.made_at.is_empty() { ", " (moment(&report.made_at)) }
                    ". All times are UTC. This page loads nothing and sends nothing."
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    visible(page.into_string())
}

fn hash(text: &str) -> String {
    BASE64_STANDARD.encode(Sha256::digest(text.as_bytes()))
}

fn masthead(report: &HuntReport) -> Markup {
    let coverage = &report.coverage;
    html! {
        header.masthead {
            div {
                div.brand {
                    span { b { "Bartizan" } " investigation report" }
                    button #theme type="button" hidden { "Dark theme" }
                }
                h1 { (report.title) }
                p.lead {
                    (thousands(coverage.events)) " events from " (words::count(coverage.inputs, "input", "inputs"))
                    @if let (Some(first), Some(last)) = (&coverage.first_event, &coverage.last_event) {
                        ", " (moment(first)) " to " (moment(last))
                    }
                    "."
                }
                (findings::tiles(report))
            }
        }
    }
}

fn contents(report: &HuntReport, order: &Order<'_>) -> Markup {
    /// Links to single alerts in the contents.
    const LINKS: usize = 30;
    html! {
        nav.contents aria-label="Contents" {
            ol {
                li { a href="#coverage" { "Coverage" } }
                li { a href="#findings" { "Findings" } }
                @if !order.full.is_empty() {
                    li {
                        a href="#investigations" { "Investigations" }
                        ol {
                            @for (number, finding) in order.full.iter().enumerate().take(LINKS) {
                                li { a href=(format!("#alert-{}", number + 1)) { (number + 1) ". " (words::clip(&finding.alert.rule_name, 60)) } }
                            }
                            @if order.full.len() > LINKS {
                                li { "and " (order.full.len() - LINKS) " more" }
                            }
                        }
                    }
                }
                @if !order.others.is_empty() { li { a href="#others" { "Other alerts" } } }
                @if !report.rules.is_empty() { li { a href="#attack" { "ATT&CK coverage" } } }
                li { a href="#appendix" { "Appendix" } }
            }
        }
    }
}
