//! The queries that guides carry, asked of the logs in a second pass: only then is it known what they are.

use std::io;
use std::path::Path;

use alert::Alert;
use anyhow::Context as _;
use ecs::Document;
use engine::{AlertSink, HuntInput, HuntOptions, HuntOutput, Plan};
use rule::{Loaded, RuleLibrary};
use triage::asked_queries::AskedQueries;
use triage::investigate_query::{Condition, Query, Test};
use triage::place::Place;

/// Asks them all in one pass over the inputs; those about alerts of the alerts that are at hand.
pub(crate) fn ask(
    queries: Vec<Query>,
    alerts: &[&Document],
    inputs: &[HuntInput],
    options: HuntOptions<'_>,
) -> anyhow::Result<AskedQueries> {
    let mut asked = AskedQueries::new(queries);
    alerts.iter().for_each(|alert| asked.see_alert(alert));
    let of_events: Vec<&Query> = asked.of_events().collect();
    if of_events.is_empty() {
        return Ok(asked);
    }
    if inputs.contains(&HuntInput::Stdin) {
        asked.give_up("Standard input can be read only once.", |query| !query.asks_for_alerts());
        return Ok(asked);
    }
    let library = library_for(&of_events)?;
    let plan = Plan::new(&library, options.scan.catalog, options.scan.now);
    let mut seen = Seen(asked);
    let output = HuntOutput { alerts: &mut seen, dead_letter: None, progress: &mut |_| {} };
    engine::hunt(&plan, inputs, options, output).context("the guides' queries cannot be asked")?;
    Ok(seen.0)
}

/// Queries that see each event that a hunt finds.
struct Seen(AskedQueries);

impl AlertSink for Seen {
    fn alert(&mut self, alert: Alert) -> io::Result<()> {
        self.0.see(alert.document(), &Place::Unknown);
        Ok(())
    }
}

/// One rule that finds at least what the queries find; they look at each event themselves.
fn library_for(queries: &[&Query]) -> anyhow::Result<RuleLibrary> {
    let group = |query: &&Query| -> Vec<String> {
        let of_group = |conditions: &Vec<Condition>| {
            let tests = conditions.iter().filter(|one| !one.excluded).filter_map(|one| match &one.test {
                Test::Is(values) if !values.iter().any(|value| value == "*") => {
                    let quoted: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
                    Some(format!("{}: ({})", one.field, quoted.join(" or ")))
                }
                Test::Is(_) | Test::Exists | Test::Between(..) => None,
            });
            let tests: Vec<String> = tests.collect();
            if tests.is_empty() { "event.id: *".to_owned() } else { format!("({})", tests.join(" and ")) }
        };
        query.any_of.iter().map(of_group).collect()
    };
    let groups: Vec<String> = queries.iter().flat_map(group).collect();
    let mut rule = toml::Table::new();
    for (name, value) in [
        ("name", "Queries of guides"),
        ("description", "What the guides of alerts ask."),
        ("rule_id", "00000000-0000-5000-8000-000000000000"),
        ("type", "query"),
        ("language", "kuery"),
        ("severity", "low"),
        ("query", &groups.join(" or ")),
    ] {
        rule.insert(name.to_owned(), value.into());
    }
    rule.insert("risk_score".to_owned(), 1.into());
    rule.insert("author".to_owned(), vec!["Bartizan"].into());
    rule.insert("index".to_owned(), vec!["*"].into());
    let mut metadata = toml::Table::new();
    for (name, value) in
        [("creation_date", "2026/01/01"), ("updated_date", "2026/01/01"), ("maturity", "production")]
    {
        metadata.insert(name.to_owned(), value.into());
    }
    let mut file = toml::Table::new();
    file.insert("metadata".to_owned(), metadata.into());
    file.insert("rule".to_owned(), rule.into());
    let path = Path::new("queries of guides");
    let loaded: Loaded = rule::format::toml::read(&toml::to_string(&file)?, path);
    let mut library = RuleLibrary::default();
    library.add(path.to_owned(), loaded);
    if library.rules.is_empty() {
        let why = library.failed.first().map(|failed| failed.reason.clone()).unwrap_or_default();
        anyhow::bail!("the guides' queries make no rule: {why}");
    }
    Ok(library)
}
