//! Every KQL, EQL and ES|QL query of a checkout of public detection rules, and every query of the csv-spec files,
//! parses, prints and parses back.
//!
//! Runs when `BARTIZAN_SHARED` names a folder with `data/rules/**/*.toml` and `data/esql/*.csv-spec`.

use std::fmt::Display;
use std::path::Path;

use bartizan_query::{Diagnostic, Parsed, Severity, eql, esql, kql};
use walkdir::WalkDir;

struct Reading {
    diagnostics: Vec<Diagnostic>,
    printed: String,
    /// Parsed without an error, and the printed text to an equal tree.
    holds: bool,
}

fn read<T: Display + PartialEq>(parse: fn(&str) -> Parsed<T>, text: &str) -> Reading {
    let parsed = parse(text);
    let printed = parsed.tree.to_string();
    let again = parse(&printed);
    let holds = parsed.is_ok() && again.is_ok() && again.tree == parsed.tree;
    Reading { diagnostics: parsed.diagnostics, printed, holds }
}

#[test]
fn public_rules_parse() {
    let Some(shared) = std::env::var_os("BARTIZAN_SHARED") else {
        println!("did not run: BARTIZAN_SHARED is not set, so there are no rules to read");
        return;
    };
    let mut kql_queries = 0;
    let mut eql_queries = 0;
    let mut esql_queries = 0;
    let mut faults = Vec::new();
    for entry in WalkDir::new(Path::new(&shared).join("data/rules")).sort_by_file_name() {
        let path = entry.unwrap().into_path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let file: toml::Table = text.parse().unwrap();
        let rule = &file["rule"];
        let text_of = |key: &str| rule.get(key).and_then(toml::Value::as_str);
        let query_in = |language: &str| text_of("query").filter(|_| text_of("language") == Some(language));
        let threat_query = text_of("threat_query")
            .filter(|_| text_of("threat_language").is_none_or(|language| language == "kuery"));
        let mut readings = Vec::new();
        for text in query_in("kuery").into_iter().chain(threat_query) {
            kql_queries += 1;
            readings.push(read(kql::parse, text));
        }
        if let Some(text) = query_in("eql") {
            eql_queries += 1;
            readings.push(read(eql::parse, text));
        }
        if let Some(text) = query_in("esql") {
            esql_queries += 1;
            readings.push(read(esql::parse, text));
        }
        for Reading { diagnostics, printed, holds } in readings {
            if diagnostics.iter().any(|finding| finding.severity == Severity::Warning) {
                println!("{}: {diagnostics:?}", path.display());
            }
            if !holds {
                faults.push(format!("{}: {diagnostics:?}\n{printed}", path.display()));
            }
        }
    }
    let queries = kql_queries + eql_queries + esql_queries;
    println!("{kql_queries} KQL, {eql_queries} EQL and {esql_queries} ES|QL queries read");
    assert!(kql_queries > 0, "no KQL query found under data/rules");
    assert!(eql_queries > 0, "no EQL query found under data/rules");
    assert!(esql_queries > 0, "no ES|QL query found under data/rules");
    assert!(faults.is_empty(), "{} of {queries} queries:\n{}", faults.len(), faults.join("\n"));
}

/// Queries of csv-spec files, each with the name of its test. A test is its name, lines such as
/// `required_capability: …`, the query up to a `;` at the end of a line, then the expected table up to a line that
/// begins with `;`.
fn csv_spec_queries(text: &str) -> Vec<(String, String)> {
    let mut queries = Vec::new();
    let mut lines = text.lines().filter(|line| !line.starts_with("//") && !line.starts_with('#'));
    while let Some(line) = lines.next() {
        let name = line.trim();
        if name.is_empty() {
            continue;
        }
        let mut query = String::new();
        for line in lines.by_ref() {
            if query.is_empty() && (line.trim().is_empty() || line.contains("_capability:")) {
                continue;
            }
            query.push_str(line);
            query.push('\n');
            if line.trim_end().ends_with(';') && !line.trim().to_lowercase().starts_with("set ") {
                break;
            }
        }
        lines.by_ref().take_while(|line| !line.starts_with(';')).count();
        queries.push((name.to_owned(), query.trim_end().trim_end_matches(';').to_owned()));
    }
    queries
}

#[test]
fn csv_spec_queries_parse() {
    let Some(shared) = std::env::var_os("BARTIZAN_SHARED") else {
        println!("did not run: BARTIZAN_SHARED is not set, so there are no csv-spec files to read");
        return;
    };
    let mut queries = 0;
    let mut faults = Vec::new();
    for entry in WalkDir::new(Path::new(&shared).join("data/esql")).max_depth(1).sort_by_file_name() {
        let path = entry.unwrap().into_path();
        if path.extension().is_none_or(|extension| extension != "csv-spec") {
            continue;
        }
        for (name, query) in csv_spec_queries(&std::fs::read_to_string(&path).unwrap()) {
            queries += 1;
            let Reading { diagnostics, printed, holds } = read(esql::parse, &query);
            if !holds {
                faults.push(format!("{}, {name}: {diagnostics:?}\n{query}\n{printed}", path.display()));
            }
        }
    }
    println!("{queries} queries of csv-spec files read");
    assert!(queries > 0, "no csv-spec file found under data/esql");
    assert!(faults.is_empty(), "{} of {queries} queries:\n{}", faults.len(), faults.join("\n"));
}
