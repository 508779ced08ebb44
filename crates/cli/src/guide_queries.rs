//! The queries that guides carry, asked of the logs in a second pass: only then is it known what they are.

use std::io;
use std::path::Path;

use alert::Alert;
use anyhow::Context as _;
use ecs::{Document, Timestamp};
use engine::{AlertSink, HuntInput, HuntOptions, HuntOutput, Plan};
use rule::{Loaded, RuleLibrary};
use triage::answer::Evidence;
use triage::event::Event;
use triage::investigate_query::{Query, QueryAnswer, Test};
use triage::place::Place;

/// Events that are named of one query.
const EXAMPLES: usize = 10;

/// Queries and what came of them.
#[derive(Debug)]
pub(crate) struct AskedQueries {
    queries: Vec<Query>,
    answers: Vec<QueryAnswer>,
    why_not: Option<String>,
}

impl AskedQueries {
    /// Asks them all in one pass over the inputs; those about alerts of the alerts that are at hand.
    pub(crate) fn ask(
        mut queries: Vec<Query>,
        alerts: &[&Document],
        inputs: &[HuntInput],
        options: HuntOptions<'_>,
    ) -> anyhow::Result<Self> {
        let mut distinct: Vec<Query> = Vec::new();
        for query in queries.drain(..) {
            if !distinct.contains(&query) {
                distinct.push(query);
            }
        }
        let answers = vec![QueryAnswer::default(); distinct.len()];
        let mut asked = Self { queries: distinct, answers, why_not: None };
        for alert in alerts {
            asked.look(alert, true);
        }
        if asked.queries.iter().all(Query::asks_for_alerts) {
            return Ok(asked);
        }
        if inputs.contains(&HuntInput::Stdin) {
            asked.why_not = Some("Standard input can be read only once.".to_owned());
            return Ok(asked);
        }
        let library = library_for(&asked.queries)?;
        let plan = Plan::new(&library, options.scan.catalog, options.scan.now);
        let output = HuntOutput { alerts: &mut asked, dead_letter: None, progress: &mut |_| {} };
        engine::hunt(&plan, inputs, options, output).context("the guides' queries cannot be asked")?;
        Ok(asked)
    }

    /// What came of a query.
    ///
    /// # Errors
    /// When it was not asked: why, as a whole sentence.
    pub(crate) fn answer(&self, query: &Query) -> Result<QueryAnswer, String> {
        if let Some(why) = self.why_not.as_ref().filter(|_| !query.asks_for_alerts()) {
            return Err(why.clone());
        }
        let at = self.queries.iter().position(|asked| asked == query);
        let answer = at.and_then(|at| self.answers.get(at));
        answer.cloned().ok_or_else(|| "The query was not asked.".to_owned())
    }

    fn look(&mut self, document: &Document, is_alert: bool) {
        let time = document.text("kibana.alert.original_time").or_else(|| document.text("@timestamp"));
        let Some(time) = time.and_then(|time| time.parse::<Timestamp>().ok()) else { return };
        for (query, answer) in self.queries.iter().zip(&mut self.answers) {
            if query.asks_for_alerts() == is_alert && query.finds(document, time) {
                add(answer, document, time);
            }
        }
    }
}

impl AlertSink for AskedQueries {
    fn alert(&mut self, alert: Alert) -> io::Result<()> {
        self.look(alert.document(), false);
        Ok(())
    }
}

fn add(answer: &mut QueryAnswer, document: &Document, time: Timestamp) {
    let text = time.to_string();
    answer.count += 1;
    // Texts of one form go by time.
    if answer.first.as_ref().is_none_or(|first| text < *first) {
        answer.first = Some(text.clone());
    }
    if answer.last.as_ref().is_none_or(|last| text > *last) {
        answer.last = Some(text);
    }
    if answer.examples.len() < EXAMPLES {
        let offset = document.nodes("log.offset").first().and_then(|offset| offset.as_u64());
        let place = match (document.text("log.file.path"), offset) {
            (Some(name), Some(offset)) => Place::File { name: name.into(), offset },
            _ => Place::Unknown,
        };
        if let Some(event) = Event::of_document(document, place) {
            answer.examples.push(Evidence::of(&event, "the query finds it"));
        }
    }
}

/// One rule that finds at least what the queries find; they look at each event themselves.
fn library_for(queries: &[Query]) -> anyhow::Result<RuleLibrary> {
    let group = |query: &Query| -> Vec<String> {
        let of_group = |conditions: &Vec<triage::investigate_query::Condition>| {
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
    let groups: Vec<String> =
        queries.iter().filter(|query| !query.asks_for_alerts()).flat_map(group).collect();
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
