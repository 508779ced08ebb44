//! The public rule corpus, where it is at hand: set `BARTIZAN_SHARED` to the folder that holds `data/rules`.

use bartizan_rule as rule;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use ecs::Catalog;
use rule::check::check;
use rule::{RuleLibrary, format};

#[test]
fn every_rule_file_loads_or_says_why_and_survives_writing() {
    let Some(shared) = std::env::var_os("BARTIZAN_SHARED").map(PathBuf::from) else {
        println!("not run: BARTIZAN_SHARED is not set, so there is no rule corpus to read");
        return;
    };
    let folder = shared.join("data/rules");
    let mut library = RuleLibrary::default();
    library.load(&folder).unwrap();
    assert!(!library.outcomes.is_empty(), "no rule file under {}", folder.display());

    let mut findings: BTreeMap<String, usize> = BTreeMap::new();
    let mut types: BTreeMap<&str, usize> = BTreeMap::new();
    for outcome in &library.outcomes {
        for found in &outcome.diagnostics {
            *findings.entry(format!("read  {:?} {}", found.severity, found.code)).or_default() += 1;
        }
        let accounted = outcome.rules + outcome.failed + outcome.exceptions > 0;
        assert!(
            accounted || outcome.diagnostics.iter().any(|d| d.is_error()),
            "{} is lost",
            outcome.path.display()
        );
    }
    let catalog = Catalog::builtin();
    for rule in &library.rules {
        *types.entry(rule.rule_type.name()).or_default() += 1;
        survives_writing(rule).unwrap();
        let text = fs::read_to_string(&rule.origin.path).unwrap();
        for found in check(rule, &text, &catalog) {
            *findings.entry(format!("check {:?} {}", found.severity, found.code)).or_default() += 1;
            if std::env::var_os("BARTIZAN_VERBOSE").is_some() {
                let place = found.span.map_or("", |span| &text[span.start..span.end]);
                println!("{}: {} | {place} | {:?}", rule.origin.path.display(), found.message, found.help);
            }
        }
    }
    for outcome in library.outcomes.iter().filter(|outcome| !outcome.diagnostics.is_empty()) {
        for found in &outcome.diagnostics {
            println!("{}: {}", outcome.path.display(), found.message);
        }
    }
    for failed in &library.failed {
        println!("failed: {}: {}", failed.origin.path.display(), failed.reason);
    }
    println!(
        "{} files, {} rules, {} failed, {} replaced",
        library.outcomes.len(),
        library.rules.len(),
        library.failed.len(),
        library.replaced.len()
    );
    types.iter().for_each(|(name, count)| println!("{count:6} {name}"));
    findings.iter().for_each(|(name, count)| println!("{count:6} {name}"));
    assert_eq!(library.failed, []);
}

fn survives_writing(rule: &rule::Rule) -> Result<(), rule::Error> {
    let path = Path::new("again.toml");
    let text = format::toml::write(rule)?;
    let again = format::toml::read(&text, path).rules.remove(0);
    assert_eq!(again.written, rule.written, "{}", rule.name);
    // And from the typed fields alone, through both formats.
    let line = serde_json::Value::Object(format::ndjson::write_rule(rule)).to_string();
    let exported = format::ndjson::read(&line, path).rules.remove(0);
    let text = format::toml::write(&exported)?;
    let mut back = format::toml::read(&text, path).rules.remove(0);
    back.metadata = rule.metadata.clone();
    back.origin = rule.origin.clone();
    back.written = rule.written.clone();
    assert_eq!(&back, rule);
    Ok(())
}
