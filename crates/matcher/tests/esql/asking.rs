//! A query asked of a document, and what is found wrong with it.

pub(crate) use bartizan_matcher as matcher;
pub(crate) use ecs::{Catalog, Document, FieldTable, Known, Timestamp};
pub(crate) use matcher::{Resolved, Resolver};
pub(crate) use query::Severity;
pub(crate) use query::esql::ast::{Command, Query};

/// One field of every type.
const FIELDS: &str = "
-  keyword         kw kws*
-  wildcard        wild
-  text            text
-  ip              addr addrs*
-  date            at
-  long            num nums*
-  double          real
-  boolean         flag
-  version         ver
-  flattened       flat
-  nested          nest
nest keyword       inner
";

pub(crate) fn catalog() -> Catalog {
    Catalog::parse([FIELDS]).unwrap()
}

pub(crate) fn document(json: &str) -> Document {
    match serde_json::from_str(json).unwrap() {
        serde_json::Value::Object(map) => Document::from_map(map),
        other => panic!("not an object: {other}"),
    }
}

pub(crate) fn parse(text: &str) -> Query {
    let parsed = query::esql::parse(text);
    assert!(parsed.is_ok(), "{text}: {:?}", parsed.diagnostics);
    parsed.tree
}

/// Is the event kept for the query?
pub(crate) fn keeps(text: &str, json: &str) -> bool {
    let catalog = catalog();
    let mut table = FieldTable::new();
    let mut resolver = Resolver::new(&catalog, &mut table, Timestamp::UNIX_EPOCH);
    let predicate = resolver.esql_necessary_condition(&parse(text), text);
    predicate.eval(&document(json).view(&table)) == Known::Yes
}

/// Rows of commands after `FROM x`, a document, and whether it is kept.
pub(crate) fn check_kept(rows: &[(&str, &str, bool)]) {
    for (commands, json, kept) in rows {
        assert_eq!(keeps(&format!("FROM x METADATA _id | {commands}"), json), *kept, "{commands}  {json}");
    }
}

/// The search that is the condition of the first command, with `made` as a column that is no field.
pub(crate) fn search(condition: &str) -> (String, FieldTable, Option<Resolved>) {
    let text = format!("FROM x | WHERE {condition}");
    let tree = parse(&text);
    let Command::Where(condition) = &tree.commands[0].value else { panic!("{text}") };
    let catalog = catalog();
    let mut table = FieldTable::new();
    let mut resolver = Resolver::new(&catalog, &mut table, Timestamp::UNIX_EPOCH);
    let field_of = |name: &str| (name != "made").then(|| name.to_owned());
    let resolved = resolver.esql_search(condition, &text, &field_of);
    (text, table, resolved)
}
