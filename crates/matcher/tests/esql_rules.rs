//! Every ES|QL rule of a checkout of public rules: what it asks of single events resolves, and most can be told from a
//! value or two whether they want an event.
//!
//! Runs when `BARTIZAN_SHARED` names a folder with `data/rules/**/*.toml`.

use std::collections::BTreeMap;
use std::path::Path;

use bartizan_matcher as matcher;
use ecs::{Catalog, FieldTable, Timestamp};
use matcher::{Matcher, Predicate, Resolver, resolve::fields_read};
use query::esql::ast::{Command, Query};
use query::{Diagnostic, Spanned};
use rule::{RuleLibrary, RuleType};

/// Fields that are much the same for all events of a data stream, or take few values.
const NOT_TELLING: [&str; 9] = [
    "host.os.type",
    "event.outcome",
    "event.dataset",
    "data_stream.dataset",
    "event.module",
    "event.kind",
    "event.category",
    "event.type",
    "cloud.provider",
];

#[test]
fn public_rules_ask_something_of_single_events() {
    let Some(shared) = std::env::var_os("BARTIZAN_SHARED") else {
        println!("did not run: BARTIZAN_SHARED is not set, so there are no rules to read");
        return;
    };
    let mut library = RuleLibrary::default();
    library.load(&Path::new(&shared).join("data/rules")).unwrap();
    let catalog = Catalog::builtin();
    let mut anchors: BTreeMap<String, usize> = BTreeMap::new();
    let (mut rules, mut telling, mut reads_everything) = (0, 0, 0);
    for rule in &library.rules {
        let RuleType::Esql(esql) = &rule.rule_type else { continue };
        rules += 1;
        let text = esql.query.as_str();
        let tree = query::esql::parse(text).tree;
        let mut table = FieldTable::new();
        let mut resolver = Resolver::new(&catalog, &mut table, Timestamp::UNIX_EPOCH);
        let faults = searches(&tree, text, &mut resolver);
        assert!(!faults.iter().any(Diagnostic::is_error), "{}: {faults:?}", rule.name);
        let predicate = resolver.esql_necessary_condition(&tree, text);
        assert!(!matches!(predicate, Predicate::Const(false)), "{} finds nothing", rule.name);
        let found = anchor_fields(&predicate, &table);
        telling += usize::from(found.iter().any(|name| !NOT_TELLING.contains(&name.as_str())));
        let kind = match (&predicate, best(&found)) {
            (_, Some(best)) => best.to_owned(),
            (Predicate::Const(true), None) => "(anything)".to_owned(),
            (_, None) => "(a condition without anchor)".to_owned(),
        };
        if kind.starts_with('(') {
            println!("{kind} {}", rule.name);
        }
        *anchors.entry(kind).or_default() += 1;
        reads_everything += usize::from(fields_read(&tree, text).everything);
    }
    for (field, count) in &anchors {
        println!("{count:4} {field}");
    }
    println!("{rules} rules, {telling} with a telling anchor, {reads_everything} read every field");
    assert!(rules > 0);
    assert_eq!(anchors.get("(anything)").copied().unwrap_or_default(), 0);
}

/// What is wrong with the searches in conditions.
fn searches(query: &Query, source: &str, resolver: &mut Resolver<'_>) -> Vec<Diagnostic> {
    fn walk(expr: &Spanned<query::esql::ast::Expr>, visit: &mut dyn FnMut(&Spanned<query::esql::ast::Expr>)) {
        use query::esql::ast::Expr;
        visit(expr);
        match &expr.value {
            Expr::And(parts) | Expr::Or(parts) => parts.iter().for_each(|part| walk(part, visit)),
            Expr::Not(part) => walk(part, visit),
            _ => {}
        }
    }
    let mut found = Vec::new();
    for command in &query.commands {
        if let Command::Where(condition) = &command.value {
            walk(condition, &mut |expr| {
                let field_of = |name: &str| Some(name.to_owned());
                if let Some(resolved) = resolver.esql_search(expr, source, &field_of) {
                    found.extend(resolved.diagnostics);
                }
            });
        }
    }
    found
}

/// The fields that a shared look could hang the predicate on.
fn anchor_fields(predicate: &Predicate, table: &FieldTable) -> Vec<String> {
    let matcher = Matcher::new(vec![predicate.clone()]);
    let hangs_on =
        |field: &ecs::FieldId| matcher.for_stream(table, |_| true, |cheap| cheap == *field).unanchored() == 0;
    predicate.fields().into_iter().filter(hangs_on).map(|field| table.entry(field).name.to_string()).collect()
}

fn best(fields: &[String]) -> Option<&str> {
    let telling = ["event.action", "event.code", "process.name", "event.provider"];
    let first = telling.into_iter().find(|name| fields.iter().any(|field| field == name));
    let other = || fields.iter().find(|field| !NOT_TELLING.contains(&field.as_str()));
    first.or_else(|| other().or(fields.first()).map(String::as_str))
}
