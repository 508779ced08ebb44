//! What the page holds, read back with an HTML parser.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod sample;

use std::collections::BTreeSet;

use bartizan_report::html::{PageLimits, page};
use bartizan_report::{Coverage, HourRow, HuntReport};
use scraper::{ElementRef, Html, Selector};

fn html(report: &HuntReport, limits: PageLimits) -> Html {
    let page = Html::parse_document(&page(report, limits));
    assert_eq!(page.errors, Vec::<String>::new(), "the page is well-formed");
    page
}

fn all<'h>(page: &'h Html, selector: &str) -> Vec<ElementRef<'h>> {
    page.select(&Selector::parse(selector).unwrap()).collect()
}

fn text(element: &ElementRef<'_>) -> String {
    let words = element.text().collect::<Vec<_>>().join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
    words.replace(" ,", ",").replace(" ;", ";")
}

fn only(page: &Html, selector: &str) -> String {
    let found = all(page, selector);
    assert_eq!(found.len(), 1, "{selector}");
    text(&found[0])
}

#[test]
fn coverage_comes_first_and_every_part_follows() {
    let page = html(&sample::hunt(), PageLimits::default());
    let sections: Vec<_> = all(&page, "main > section").iter().filter_map(|one| one.attr("id")).collect();
    assert_eq!(sections, ["coverage", "findings", "investigations", "others", "attack", "appendix"]);
    let coverage = only(&page, "#coverage");
    for part in [
        "Not everything was read.",
        "4,212: 4,209 read, 1 read in part, 2 skipped",
        "1,012,345 = 1,000,211 events + 12,130 duplicates + 4 dropped",
        "2026-03-08 00:00:04 UTC to 2026-03-15 01:58:59 UTC; 2 events without a readable time",
        "Not wholly checked 166 of 168 digests",
        "Missing hours 33",
        "444455556666",
        "eu-central-1",
    ] {
        assert!(coverage.contains(part), "{part}\n{coverage}");
    }
    assert_eq!(all(&page, "#coverage figure svg[role=img][aria-label]").len(), 2);
    let appendix = only(&page, "#appendix");
    for part in [
        "the compressed data ends too early, at byte 182,344",
        "rules of type machine_learning cannot be run",
        "7 rules ran, 2 did not",
    ] {
        assert!(appendix.contains(part), "{part}\n{appendix}");
    }
}

#[test]
fn an_alert_has_its_verdict_answers_pictures_and_plan() {
    let page = html(&sample::hunt(), PageLimits::default());
    let alert = only(&page, "#alert-1");
    for part in [
        "Looks malicious",
        "The same session stopped the trail five minutes later. weight 9 of 10 logging_stopped",
        "Speaks against an attack The session was opened with a second factor.",
        "Was there a change ticket? Not answered No answer: Tickets aren't in the logs",
        "What is missing: S3 bucket keys hide most uses",
        "00000068-1111-4222-8333-444455556666 111122223333_CloudTrail_eu-west-1_20260314T0215Z_a1.json.gz, byte 194,792",
        "Earliest deletion of the key 5 d 23 h left",
        "The material is not back, as far as the logs reach.",
        "Broken now",
        "More may depend on it: Bucket keys hide uses of S3.",
        "Example Hosting",
        "Blinds logging",
        "To decide first: Was the key disabled by a defender?",
        "CancelKeyDeletion, which leaves the key disabled",
    ] {
        assert!(alert.contains(part), "{part}\n{alert}");
    }
    let pictures: Vec<_> = all(&page, "#alert-1 figure svg.wide")
        .iter()
        .filter_map(|one| one.attr("aria-label").map(str::to_owned))
        .collect();
    assert_eq!(pictures.len(), 4, "life of the key, blast radius, hours, session: {pictures:#?}");
    assert!(
        pictures[0].contains("ScheduleKeyDeletion at 2026-03-14 02:14:31 UTC: Pending deletion"),
        "{}",
        pictures[0]
    );
    assert!(pictures[1].starts_with("6 things depend on the key; Broken now: arn:aws:s3"), "{}", pictures[1]);
    // The command can be copied as it is.
    let command = all(&page, "#alert-1 .command pre")[0].text().collect::<String>();
    assert_eq!(
        command,
        "aws kms cancel-key-deletion --region eu-west-1 \\\n  --key-id 1234abcd-12ab-34cd-56ef-1234567890ab"
    );
    let exception = only(&page, "#alert-2");
    assert!(exception.contains(
        "It would have hidden 9 alerts of this rule in this data; 1 of them is not judged as expected"
    ));
}

#[test]
fn hostile_text_is_text() {
    let report = sample::hunt();
    let source = page(&report, PageLimits::default());
    let page = html(&report, PageLimits::default());
    assert_eq!(all(&page, "script").len(), 1);
    assert_eq!(all(&page, "style").len(), 1);
    assert_eq!(
        all(
            &page,
            "img, iframe, object, embed, link, base, form, input, video, audio, use, image, foreignObject"
        )
        .len(),
        0
    );
    for element in all(&page, "*") {
        for (name, value) in element.value().attrs() {
            assert!(!name.starts_with("on") && name != "style" && name != "src", "{name}={value}");
            if name == "href" {
                assert!(value.starts_with('#'), "{value}");
            }
        }
    }
    // It is there, whole, and what could deceive is visible.
    let shown = sample::HOSTILE.replace('\u{202e}', "\\u{202e}");
    assert!(text(&all(&page, "#alert-3 h3")[0]).contains(&shown));
    assert!(!source.contains(['\u{202e}', '\u{0}', '\u{1b}']));
    assert!(
        all(&page, "#alert-3").iter().any(|one| one.text().collect::<String>().contains(&"A".repeat(2600)))
    );
}

#[test]
fn the_page_needs_nothing_and_lets_nothing_else_run() {
    let report = sample::hunt();
    let page = html(&report, PageLimits::default());
    let policy =
        all(&page, "meta[http-equiv=Content-Security-Policy]")[0].attr("content").unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    for (element, directive) in [("style", "style-src"), ("script", "script-src")] {
        use base64::Engine as _;
        use sha2::Digest as _;
        let inner = all(&page, element)[0].text().collect::<String>();
        let hash = base64::prelude::BASE64_STANDARD.encode(sha2::Sha256::digest(inner.as_bytes()));
        assert!(policy.contains(&format!("{directive} 'sha256-{hash}'")), "{directive}");
    }
    let style = all(&page, "style")[0].text().collect::<String>();
    assert!(!style.contains("url(") && !style.contains("@import") && !style.contains("@font-face"));
}

#[test]
fn headings_are_in_order_and_ids_are_single() {
    let page = html(&sample::hunt(), PageLimits::default());
    let mut before = 0;
    for heading in all(&page, "h1, h2, h3, h4, h5, h6") {
        let level: u32 = heading.value().name()[1..].parse().unwrap();
        assert!(level <= before + 1, "h{level} after h{before}: {}", text(&heading));
        before = level;
    }
    assert_eq!(all(&page, "h1").len(), 1);
    let ids: Vec<_> = all(&page, "[id]").iter().filter_map(|one| one.attr("id")).collect();
    let single: BTreeSet<_> = ids.iter().copied().collect();
    assert_eq!(ids.len(), single.len());
    for link in all(&page, "a[href]") {
        let target = &link.attr("href").unwrap()[1..];
        assert!(single.contains(target), "#{target}");
    }
    for named in all(&page, "[aria-labelledby]") {
        assert!(single.contains(named.attr("aria-labelledby").unwrap()));
    }
    for landmark in ["header.masthead", "nav[aria-label=Contents]", "main", "footer"] {
        assert_eq!(all(&page, landmark).len(), 1, "{landmark}");
    }
    for picture in all(&page, "svg") {
        let is_named = picture.attr("role") == Some("img")
            && picture.attr("aria-label").is_some_and(|name| !name.is_empty());
        assert!(is_named || picture.attr("aria-hidden") == Some("true"));
    }
}

#[test]
fn what_is_too_much_is_counted_and_its_place_is_named() {
    let mut report = sample::hunt();
    report.not_kept = 12_000;
    let page = html(&report, PageLimits { investigations: 1, rows: 2 });
    assert_eq!(all(&page, "article").len(), 1);
    let said = only(&page, "#investigations");
    assert!(said.contains("2 investigations are not shown in full."), "{said}");
    let others = only(&page, "#others");
    assert!(
        others.contains(
            "7 alerts of this rule are not on this page. They are in alerts.ndjson of a case folder."
        ),
        "{others}"
    );
    assert!(
        others.contains("Expected") && others.contains("Needs a human"),
        "verdicts of those that are not in full"
    );
    let findings = only(&page, "#findings");
    assert!(findings.contains("12,030 alerts of 6 rules"), "{findings}");
    assert!(
        findings
            .contains("12,000 alerts are counted here and not on this page. All alerts are in alerts.ndjson"),
        "{findings}"
    );
    // Each alert is in full, in a row, or counted.
    let rows = all(&page, "#others tbody tr").len();
    let left_out: usize = report.findings.len() - 1 - rows;
    let counted: usize = all(&page, "#others .warning b")
        .iter()
        .map(|one| text(one).split(' ').next().unwrap().replace(',', "").parse::<usize>().unwrap())
        .sum();
    assert_eq!(left_out, counted);
}

#[test]
fn an_empty_run_says_so() {
    let page = html(&HuntReport::default(), PageLimits::default());
    assert!(only(&page, "#coverage").contains("Nothing was read."));
    assert!(only(&page, "#findings").contains("No rule found anything."));
    let whole = HuntReport {
        coverage: Coverage { inputs: 1, read: 1, records: 5, events: 5, ..Coverage::default() },
        ..HuntReport::default()
    };
    assert!(only(&html(&whole, PageLimits::default()), "#coverage").contains("Everything was read"));
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let mut shuffled = sample::hunt();
    let once = page(&shuffled, PageLimits::default());
    shuffled.findings.reverse();
    assert_eq!(once, page(&shuffled, PageLimits::default()));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]

    #[test]
    fn no_text_becomes_markup(text in "\\PC{0,40}|[<>&\"'/=!a-z -]{0,40}|.{0,30}") {
        let mut report = sample::hunt();
        report.findings.truncate(1);
        let before = html(&report, PageLimits::default());
        let finding = &mut report.findings[0];
        finding.alert.rule_name.clone_from(&text);
        finding.fields[0].values[0].clone_from(&text);
        if let bartizan_report::Investigation::Done(triage) = &mut finding.investigation {
            triage.alert.reason.clone_from(&text);
            triage.questions[0].question.clone_from(&text);
            triage.keys[0].key.clone_from(&text);
            triage.blast_radius[0].dependents[0].resource = Some(text.clone());
            triage.surroundings.session[0].provider.clone_from(&text);
            triage.response.steps[0].commands[0].clone_from(&text);
        }
        report.title.clone_from(&text);
        let after = html(&report, PageLimits::default());
        let elements = |page: &Html| all(page, "*").iter().filter(|one| one.value().name() != "time").count();
        // The same page with other words; the session's picture may have one lane more.
        proptest::prop_assert!(elements(&after).abs_diff(elements(&before)) <= 4);
        proptest::prop_assert_eq!(all(&after, "script").len(), 1);
    }
}

#[test]
fn years_and_tens_of_thousands_of_alerts_stay_one_page() {
    let mut report = sample::hunt();
    let one = report.findings.pop().unwrap();
    report.findings = (0..20_000)
        .map(|number| {
            let mut finding = one.clone();
            finding.alert.uuid = format!("{number:064x}");
            finding.alert.rule_id = format!("rule-{}", number % 3);
            finding
        })
        .collect();
    let hours = report.coverage.hours.as_mut().unwrap();
    hours.rows = (0..40u64)
        .map(|row| HourRow {
            name: format!("row {row}"),
            counts: (0..30_000u64).map(|hour| if row == 0 && hour % 1000 < 3 { 0 } else { 1 }).collect(),
        })
        .collect();
    let source = page(&report, PageLimits::default());
    assert!(source.len() < 4_000_000, "{}", source.len());
    let page = html(&report, PageLimits::default());
    let others = only(&page, "#others");
    assert!(
        others.contains("6,166 alerts of this rule are not on this page.") && others.contains("6,167 alerts")
    );
    let coverage = only(&page, "#coverage");
    assert!(
        coverage.contains("90 hours of 1,200,000 have no event, each row below counted by itself."),
        "{coverage}"
    );
    assert!(
        coverage.contains("The first 12 of 40 rows.") && coverage.contains("30 stretches without events")
    );
}
