//! Runs the stories in `tests/stories`: what CloudTrail recorded, and every word that a hunt makes of it.
//!
//! See `tests/stories/README.md` for the blocks of a page. With `UPDATE_SPEC=1` the expectations are rewritten.
#![expect(clippy::unwrap_used, reason = "in tests a failure may panic")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use assert_cmd::cargo::cargo_bin_cmd;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

#[test]
fn every_story_is_told_as_before() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/stories");
    let update = std::env::var_os("UPDATE_SPEC").is_some();
    let mut pages: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "md") && !path.ends_with("README.md"))
        .collect();
    pages.sort();
    assert!(pages.len() >= 8, "the stories are missing");
    let mut wrong = String::new();
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        let told = tell(&text);
        if told != text {
            if update {
                std::fs::write(&page, &told).unwrap();
            } else {
                writeln!(wrong, "{}: now it would say\n{}", page.display(), difference(&text, &told))
                    .unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn neither_files_nor_threads_change_a_story() {
    let page =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/stories/ransom_by_deleted_material.md");
    let story = Story::of(&std::fs::read_to_string(page).unwrap());
    let folder = tempfile::tempdir().unwrap();
    for (number, records) in story.records.chunks(20).enumerate() {
        let text = json!({ "Records": records }).to_string();
        std::fs::write(folder.path().join(format!("{number:03}.json")), text).unwrap();
    }
    // The first file once more: its events are duplicates, and count once.
    std::fs::copy(folder.path().join("000.json"), folder.path().join("zzz.json")).unwrap();
    let run = |jobs: &str| {
        let run = cargo_bin_cmd!("bartizan")
            .args(["hunt", ".", "--format", "ndjson", "--now", &story.now, "--jobs", jobs])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        String::from_utf8(run.stdout).unwrap()
    };
    let alone = run("1");
    assert!(alone.contains("malicious_looking"));
    assert_eq!(alone, run("4"));
    // One file gives the same answers; only the places of the evidence differ.
    let whole = story.hunt();
    let mut answers = String::new();
    for alert in alone.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        if let Value::Object(triage) = &alert["bartizan.investigation"] {
            let (severity, rule) = (&alert["kibana.alert.severity"], &alert["kibana.alert.rule.name"]);
            let name = format!("{} {}", severity.as_str().unwrap(), rule.as_str().unwrap());
            write_answers(&mut answers, &name, triage);
        }
    }
    assert_eq!(answers, whole.answers);
}

/// The page with its expectations as they come out now.
fn tell(page: &str) -> String {
    let story = Story::of(page);
    let mut told: Option<Told> = None;
    let mut out = String::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        writeln!(out, "{line}").unwrap();
        let Some(info) = line.strip_prefix("```").filter(|info| !info.is_empty()) else { continue };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let block = match info.split(' ').next().unwrap() {
            "now" | "people" | "records" => block.join("\n"),
            "alerts" => told.get_or_insert_with(|| story.hunt()).alerts.clone(),
            "answers" => told.get_or_insert_with(|| story.hunt()).answers.clone(),
            other => panic!("what is a block of {other}?"),
        };
        if !block.is_empty() {
            writeln!(out, "{}", block.trim_end()).unwrap();
        }
        writeln!(out, "```").unwrap();
    }
    out
}

/// The first lines that differ.
fn difference(old: &str, new: &str) -> String {
    let new: Vec<&str> = new.lines().collect();
    let old: Vec<&str> = old.lines().collect();
    let gone = old.iter().filter(|line| !new.contains(line)).map(|line| format!("  - {line}"));
    let come = new.iter().filter(|line| !old.contains(line)).map(|line| format!("  + {line}"));
    gone.chain(come).take(40).collect::<Vec<_>>().join("\n")
}

#[derive(Default)]
struct Story {
    now: String,
    people: Map<String, Value>,
    records: Vec<Value>,
}

struct Told {
    alerts: String,
    answers: String,
}

impl Story {
    /// The blocks of a page that say what happened.
    fn of(page: &str) -> Self {
        let mut story = Self::default();
        let mut lines = page.lines();
        while let Some(line) = lines.next() {
            let Some(info) = line.strip_prefix("```").filter(|info| !info.is_empty()) else { continue };
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            match info.split(' ').next().unwrap() {
                "now" => story.now = block[0].to_owned(),
                "people" => story.people = serde_json::from_str(&block.join("\n")).unwrap(),
                "records" => story.add(info, &block),
                _ => {}
            }
        }
        story
    }

    /// `records`, or `records from TIME every DURATION times N`.
    fn add(&mut self, info: &str, lines: &[&str]) {
        let words: Vec<&str> = info.split(' ').collect();
        let written: Vec<Map<String, Value>> =
            lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        let [_, "from", from, "every", every, "times", times] = words[..] else {
            for record in written {
                self.record(record, None);
            }
            return;
        };
        let every: SignedDuration = every.parse::<jiff::Span>().unwrap().to_duration_days_24();
        let mut at: Timestamp = from.parse().unwrap();
        for _ in 0..times.parse().unwrap() {
            for (position, record) in (0_i64..).zip(&written) {
                self.record(record.clone(), Some(at + SignedDuration::from_secs(position * 30)));
            }
            at += every;
        }
    }

    fn record(&mut self, written: Map<String, Value>, at: Option<Timestamp>) {
        let number = self.records.len() + 1;
        let mut record = json!({
            "eventVersion": "1.11",
            "eventID": format!("5709b1e5-0000-4000-8000-{number:012}"),
            "awsRegion": "eu-west-1",
            "recipientAccountId": "111122223333",
            "eventType": "AwsApiCall",
            "managementEvent": true,
            "eventCategory": "Management",
            "readOnly": false,
            "requestParameters": null,
            "responseElements": null,
        });
        if let Some(at) = at {
            record["eventTime"] = at.to_string().into();
        }
        for (name, value) in written {
            match (name.as_str(), value.as_str()) {
                ("at", _) => record["eventTime"] = value,
                ("who", Some(who)) => {
                    for (name, value) in self.people[who].as_object().unwrap() {
                        record[name] = value.clone();
                    }
                }
                ("call", Some(call)) => {
                    let (service, action) = call.split_once(' ').unwrap();
                    record["eventSource"] = format!("{service}.amazonaws.com").into();
                    record["eventName"] = action.into();
                }
                _ => record[name] = value,
            }
        }
        self.records.push(record);
    }

    fn hunt(&self) -> Told {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("records.json");
        std::fs::write(&input, json!({ "Records": self.records }).to_string()).unwrap();
        let run = cargo_bin_cmd!("bartizan")
            .args(["hunt", "records.json", "--format", "ndjson", "--now", &self.now])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        let text = String::from_utf8(run.stdout).unwrap();
        let alerts: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let mut told = Told { alerts: String::new(), answers: String::new() };
        for alert in alerts.iter().filter(|alert| alert["kibana.alert.building_block_type"].is_null()) {
            let Value::Object(triage) = &alert["bartizan.investigation"] else {
                panic!("an alert without an investigation: {}", alert["kibana.alert.rule.name"]);
            };
            let (severity, rule) = (&alert["kibana.alert.severity"], &alert["kibana.alert.rule.name"]);
            let name = format!("{} {}", severity.as_str().unwrap(), rule.as_str().unwrap());
            let verdict = triage["verdict"]["level"].as_str().unwrap();
            writeln!(told.alerts, "{name}: {verdict}").unwrap();
            // Answers are held for the founding rules; the others' verdicts are held above.
            write_answers(&mut told.answers, &name, triage);
        }
        told
    }
}

fn write_answers(out: &mut String, name: &str, triage: &Map<String, Value>) {
    let verdict = &triage["verdict"];
    writeln!(out, "== {name}: {}", verdict["level"].as_str().unwrap()).unwrap();
    for (list, sign) in [("for_attack", '+'), ("against_attack", '-')] {
        for reason in verdict[list].as_array().unwrap() {
            writeln!(out, "{sign}{} {}", reason["weight"], reason["says"].as_str().unwrap()).unwrap();
        }
    }
    for exception in verdict["exceptions"].as_array().unwrap() {
        writeln!(out, "~ {}", exception["says"].as_str().unwrap()).unwrap();
    }
    for question in triage["questions"].as_array().unwrap() {
        writeln!(out, "\nQ {}", question["question"].as_str().unwrap()).unwrap();
        let answer = &question["answer"];
        let lines = |name: &str| -> Vec<String> {
            let texts = answer[name].as_array().unwrap();
            texts.iter().map(|text| text.as_str().unwrap().to_owned()).collect()
        };
        writeln!(out, "A ({})", answer["answered"].as_str().unwrap()).unwrap();
        for sentence in lines("text") {
            writeln!(out, "  {sentence}").unwrap();
        }
        if let Some(why) = answer["why_not_whole"].as_str() {
            writeln!(out, "  not whole: {why}").unwrap();
        }
        for warning in lines("warnings") {
            writeln!(out, "  mind: {warning}").unwrap();
        }
        for evidence in answer["evidence"].as_array().unwrap() {
            let text = |name: &str| evidence[name].as_str().unwrap_or("-").to_owned();
            writeln!(out, "  * {} {} {}: {}", text("time"), text("action"), text("event_id"), text("shows"))
                .unwrap();
        }
    }
    writeln!(out).unwrap();
}

/// Days of 24 hours: stories play in UTC.
trait Days {
    fn to_duration_days_24(self) -> SignedDuration;
}

impl Days for jiff::Span {
    fn to_duration_days_24(self) -> SignedDuration {
        self.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).unwrap()
    }
}

#[test]
fn the_queries_of_a_guide_are_asked() {
    let page =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/stories/ransom_by_deleted_material.md");
    let story = Story::of(&std::fs::read_to_string(page).unwrap());
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("records.json"), json!({ "Records": story.records }).to_string())
        .unwrap();
    let rule = r#"
[metadata]
creation_date = "2026/03/01"
updated_date = "2026/03/01"
maturity = "production"

[rule]
author = ["Bartizan"]
description = "A bucket is to be deleted."
index = ["logs-aws*"]
language = "kuery"
name = "Bucket deletion"
note = '''
## Investigation

- !{investigate{"label":"Backups by the same user","providers":[[{"excluded":false,"field":"user.name","queryType":"phrase","value":"{{user.name}}","valueType":"string"},{"excluded":false,"field":"event.action","queryType":"phrase","value":"PutObject","valueType":"string"}]],"relativeFrom":"now-40d/d","relativeTo":"now"}}
- !{investigate{"label":"Alerts of the same user","providers":[[{"excluded":false,"field":"event.kind","queryType":"phrase","value":"signal","valueType":"string"},{"excluded":false,"field":"user.name","queryType":"phrase","value":"{{user.name}}","valueType":"string"}]],"relativeFrom":"now-2d/d","relativeTo":"now"}}
'''
query = 'event.action: "DeleteBucket"'
risk_score = 21
rule_id = "5709b1e5-0000-4000-8000-0000000000aa"
severity = "low"
type = "query"
"#;
    std::fs::write(folder.path().join("rule.toml"), rule).unwrap();
    let run = cargo_bin_cmd!("bartizan")
        .args(["hunt", "records.json", "--rules", "rule.toml", "--triage", "all", "--format", "ndjson"])
        .args(["--now", &story.now])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let alerts: Vec<Value> = String::from_utf8(run.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|alert: &Value| alert["kibana.alert.rule.name"] == "Bucket deletion")
        .collect();
    let [alert] = &alerts[..] else { panic!("one alert") };
    let questions = alert["bartizan.investigation"]["questions"].as_array().unwrap();
    let told: Vec<String> =
        questions.iter().map(|asked| asked["answer"]["text"][0].as_str().unwrap_or("-").to_owned()).collect();
    // 35 nights, of which the query sees 35: they began on the third of February.
    assert!(told[0].starts_with("35 events with user.name"), "{told:?}");
    assert!(told[1].contains("alert"), "{told:?}");
}
