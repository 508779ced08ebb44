//! Every ES|QL rule of a checkout of public rules can be planned, but for those that ask for what is not supported.
//!
//! Runs when `BARTIZAN_SHARED` names a folder with `data/rules/**/*.toml`.

use std::path::Path;
use std::time::{Duration, Instant};

use bartizan_esql::{Fields, Plan};
use ecs::Catalog;
use query::Diagnostic;
use rule::{RuleLibrary, RuleType};

/// Commands that cannot be run here, and of which a rule may be refused.
const NOT_SUPPORTED: [&str; 1] = ["COMPLETION is not supported"];

#[test]
fn public_rules_can_be_planned() {
    let Some(shared) = std::env::var_os("BARTIZAN_SHARED") else {
        println!("did not run: BARTIZAN_SHARED is not set, so there are no rules to read");
        return;
    };
    let mut library = RuleLibrary::default();
    library.load(&Path::new(&shared).join("data/rules")).unwrap();
    let catalog = Catalog::builtin();
    let fields = Fields::Catalog { catalog: &catalog, closed: false };
    let (mut planned, mut not_supported, mut slowest) = (0, 0, (Duration::ZERO, String::new()));
    let mut faults = Vec::new();
    let began = Instant::now();
    for rule in &library.rules {
        let RuleType::Esql(esql) = &rule.rule_type else { continue };
        let start = Instant::now();
        let plan = Plan::of(&esql.query, &fields);
        let took = start.elapsed();
        if took > slowest.0 {
            slowest = (took, rule.name.clone());
        }
        let errors: Vec<&Diagnostic> =
            plan.diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).collect();
        if plan.plan.is_some() {
            planned += 1;
        } else if errors.iter().all(|error| NOT_SUPPORTED.contains(&error.message.as_str())) {
            not_supported += 1;
        } else {
            let messages: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
            faults.push(format!("{}: {}", rule.name, messages.join("; ")));
        }
    }
    println!(
        "{planned} planned in {:?}, {not_supported} not supported; slowest {slowest:?}",
        began.elapsed()
    );
    assert!(faults.is_empty(), "{} rules cannot be planned:\n{}", faults.len(), faults.join("\n"));
    assert!(planned > 0, "there were no ES|QL rules");
}
