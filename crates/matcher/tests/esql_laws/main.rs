//! What must hold of every ES|QL query and every event.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod evaluator;
mod queries;

use std::cell::Cell as Counter;

use bartizan_matcher as matcher;
use ecs::{Catalog, Document, FieldTable, Known, Timestamp};
use matcher::resolve::fields_read;
use matcher::{Predicate, Resolver};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use evaluator::rows_left;

const FIELDS: &str = "
-  keyword  kw kws*
-  text     text
-  ip       addr addrs*
-  long     num nums*
-  double   real
-  boolean  flag
";

fn config() -> Config {
    Config { cases: 4 * Config::default().cases, failure_persistence: None, ..Config::default() }
}

fn necessary(text: &str, table: &mut FieldTable) -> Predicate {
    let catalog = Catalog::parse([FIELDS]).unwrap();
    let tree = query::esql::parse(text).tree;
    Resolver::new(&catalog, table, Timestamp::UNIX_EPOCH).esql_necessary_condition(&tree, text)
}

#[test]
fn an_event_that_is_dropped_gives_no_row() {
    let (left, dropped) = (Counter::new(0), Counter::new(0));
    let config = config();
    let cases = config.cases as usize;
    let mut runner = TestRunner::new(config);
    let strategy = (queries::query(), proptest::collection::vec(queries::document(), 1..6));
    let law = |(text, documents): (String, Vec<Document>)| {
        let parsed = query::esql::parse(&text);
        prop_assert!(parsed.is_ok(), "{}: {:?}", text, parsed.diagnostics);
        let mut table = FieldTable::new();
        let predicate = necessary(&text, &mut table);
        for document in documents {
            let known = predicate.eval(&document.view(&table));
            prop_assert_ne!(known, Known::Unknown);
            match rows_left(&parsed.tree, &document) {
                Ok(0) => dropped.set(dropped.get() + usize::from(known == Known::No)),
                Ok(_) => {
                    left.set(left.get() + 1);
                    prop_assert_eq!(known, Known::Yes, "{} {:?} {:?}", text, document, predicate);
                }
                // The query is refused.
                Err(_) => {}
            }
        }
        Ok(())
    };
    runner.run(&strategy, law).unwrap();
    assert!(
        left.get() * 4 > cases && dropped.get() * 2 > cases,
        "{} left, {} dropped",
        left.get(),
        dropped.get()
    );
}

#[test]
fn fields_that_are_not_read_change_nothing() {
    let (left, taken) = (Counter::new(0), Counter::new(0));
    let config = config();
    let cases = config.cases as usize;
    let mut runner = TestRunner::new(config);
    let law = |(text, document): (String, Document)| {
        let tree = query::esql::parse(&text).tree;
        let read = fields_read(&tree, &text);
        let mut rest = Document::new();
        for (name, value) in document.as_map() {
            let is_read = read.names.contains(name) || read.patterns.iter().any(|p| p.matches(name));
            if is_read {
                rest.set(name, value.clone());
            } else {
                taken.set(taken.get() + 1);
            }
        }
        let rows = rows_left(&tree, &document);
        left.set(left.get() + usize::from(matches!(rows, Ok(1..))));
        prop_assert_eq!(rows_left(&tree, &rest), rows, "{} {:?}", text, document);
        Ok(())
    };
    runner.run(&(queries::query(), queries::document()), law).unwrap();
    assert!(left.get() * 20 > cases && taken.get() > cases, "{} left, {} taken", left.get(), taken.get());
}
