//! EQL against public test queries: those of Elasticsearch, and those of the original engine where its meaning is
//! Elasticsearch's.
//!
//! Needs `BARTIZAN_SHARED`, a folder with `data/eql/elasticsearch` and `data/eql/upstream`. Without it nothing is
//! compared, and the tests say so. Every query is run as a rule, with all others of its file, in one hunt.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests, which fail by panicking")]
#![expect(clippy::print_stdout, reason = "helpers of tests, which say what differs")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use query::eql::ast::{Body, FieldRef};

use data_set::{DataFile, DataSet};
use expressions::Expected;
use query_file::TestQuery;
use run_queries::{Answer, Fields, answers};

#[path = "conformance_eql/data_set.rs"]
mod data_set;
#[path = "conformance_eql/expressions.rs"]
mod expressions;
#[path = "conformance_eql/query_file.rs"]
mod query_file;
#[path = "conformance_eql/run_queries.rs"]
mod run_queries;
#[path = "conformance_eql/upstream_dialect.rs"]
mod upstream_dialect;

/// Why the original engine's expectation does not hold, for each query and expression of which that is so.
const EXCEPTIONS: &str = include_str!("../../../conformance/eql_upstream_exceptions.tsv");

#[test]
fn elasticsearch_queries_find_what_is_expected() {
    let Some(data) = data_folder() else { return };
    let folder = data.join("elasticsearch");
    let (mut judged, mut wrong) = (0, 0);
    for file in files(&folder, "toml") {
        let (queries, beyond): (Vec<TestQuery>, Vec<TestQuery>) =
            query_file::read(&file).into_iter().partition(|query| query.beyond_rules.is_empty());
        for query in beyond {
            println!("{}: not judged, since no rule can ask for {:?}", query.name, query.beyond_rules);
        }
        if queries.is_empty() {
            continue;
        }
        let set = DataSet::read(&data_files(&query_file::stem(&file), &data));
        let texts: Vec<&str> = queries.iter().map(|query| query.query.as_str()).collect();
        let mut right = 0;
        for (query, answer) in queries.iter().zip(answers(&texts, &set, Fields::Mapped)) {
            match difference(query, &answer, &set) {
                None => right += 1,
                Some(difference) => println!("{}\n{}\n  {difference}\n", query.name, query.query.trim()),
            }
        }
        println!("{}: {right} of {}", file.file_name().unwrap().display(), queries.len());
        judged += queries.len();
        wrong += queries.len() - right;
    }
    assert!(judged > 0, "{} has no queries", folder.display());
    assert_eq!(wrong, 0, "queries whose answer differs");
}

/// What differs is in the list of exceptions, with its reason; what does not is not.
#[test]
fn upstream_queries_differ_only_where_elasticsearch_does() {
    let Some(data) = data_folder() else { return };
    let folder = data.join("upstream");
    let mut differences: BTreeMap<String, Option<String>> = BTreeMap::new();

    let queries: Vec<TestQuery> =
        files(&folder, "toml").iter().flat_map(|file| query_file::read(file)).collect();
    let respelled: Vec<Option<String>> =
        queries.iter().map(|query| upstream_dialect::respelled(&query.query)).collect();
    let texts: Vec<&str> =
        queries.iter().zip(&respelled).map(|(q, other)| other.as_deref().unwrap_or(&q.query)).collect();
    let set = DataSet::read(&data_files("test_queries", &data));
    for ((query, answer), text) in queries.iter().zip(answers(&texts, &set, Fields::Unmapped)).zip(&texts) {
        let difference = difference(query, &answer, &set);
        differences.insert(query.name.clone(), difference.map(|found| format!("{}\n  {found}", text.trim())));
    }

    let expressions: Vec<_> =
        files(&folder, "toml").iter().flat_map(|file| expressions::read(file)).collect();
    let texts: Vec<String> = expressions
        .iter()
        .map(|e| upstream_dialect::respelled(&e.query).unwrap_or_else(|| e.query.clone()))
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let set = DataSet::of_one_empty_event();
    for ((expression, answer), text) in
        expressions.iter().zip(answers(&texts, &set, Fields::Unmapped)).zip(&texts)
    {
        let good = match (&answer, expression.expected) {
            (Answer::Found(found), Expected::Value) => found.len() == 1,
            (Answer::Refused(_), Expected::Refusal) => true,
            _ => false,
        };
        differences.insert(expression.name.clone(), (!good).then(|| format!("{text}\n  got {answer:?}")));
    }
    assert_eq!(differences.len(), queries.len() + expressions.len(), "two bear the same name");

    let respelled = respelled.iter().flatten().count();
    println!(
        "upstream: {} queries, {respelled} of them respelled; {} expressions",
        queries.len(),
        expressions.len()
    );
    judge_exceptions(&differences);
}

fn judge_exceptions(differences: &BTreeMap<String, Option<String>>) {
    let mut exceptions = BTreeMap::new();
    let mut classes: BTreeMap<&str, usize> = BTreeMap::new();
    for line in EXCEPTIONS.lines().filter(|line| !line.starts_with('#')).skip(1) {
        let (name, reason) = line.split_once('\t').unwrap_or_else(|| panic!("no reason: {line}"));
        let (class, _) = reason.split_once(':').unwrap_or_else(|| panic!("no class: {line}"));
        *classes.entry(class).or_default() += 1;
        assert!(exceptions.insert(name, reason).is_none(), "{name} is listed twice");
    }
    let mut faults = BTreeSet::new();
    for (name, difference) in differences {
        match (exceptions.remove(name.as_str()), difference) {
            (None, Some(difference)) => {
                println!("{name}\n{difference}\n");
                faults.insert(format!("{name} differs and is not listed"));
            }
            (Some(_), None) => {
                faults.insert(format!("{name} is listed and does not differ"));
            }
            _ => {}
        }
    }
    faults.extend(exceptions.keys().map(|name| format!("{name} is listed and does not exist")));
    let equal = differences.values().filter(|difference| difference.is_none()).count();
    println!("upstream: {equal} of {} as expected; exceptions: {classes:?}", differences.len());
    assert!(
        faults.is_empty(),
        "{} faults:\n{}",
        faults.len(),
        faults.into_iter().collect::<Vec<_>>().join("\n")
    );
}

/// The folder of EQL data; says so when there is none.
fn data_folder() -> Option<PathBuf> {
    let folder = std::env::var_os("BARTIZAN_SHARED").map(|shared| Path::new(&shared).join("data/eql"));
    match folder {
        Some(folder) if folder.is_dir() => Some(folder),
        Some(folder) => {
            println!("EQL conformance did not run: {} is no folder", folder.display());
            None
        }
        None => {
            println!("EQL conformance did not run: BARTIZAN_SHARED is not set");
            None
        }
    }
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|e| e == extension)).collect();
    files.sort();
    files
}

/// The data that a file of queries is about: `test_NAME` is about `NAME.data`, or about `NAME1.data`, `NAME2.data` and
/// so on, one index each; files without data of their own are about the events of the original engine.
fn data_files(stem: &str, folder: &Path) -> Vec<DataFile> {
    let name = stem.strip_prefix("test_").unwrap_or(stem).replace('_', "-");
    let of_its_own: Vec<DataFile> = files(&folder.join("elasticsearch/data"), "data")
        .into_iter()
        .filter_map(|data| {
            let index = query_file::stem(&data);
            let number = index.strip_prefix(&name)?;
            let mapping = data.with_extension("mapping");
            number.bytes().all(|byte| byte.is_ascii_digit()).then(|| DataFile {
                name: index.clone(),
                mapping: mapping.exists().then_some(mapping),
                data,
            })
        })
        .collect();
    if !of_its_own.is_empty() {
        return of_its_own;
    }
    vec![DataFile {
        name: "test_data".to_owned(),
        data: folder.join("upstream/test_data.json"),
        mapping: Some(folder.join("elasticsearch/mapping-default.json")),
    }]
}

/// What differs from what a query must find, in words.
fn difference(query: &TestQuery, answer: &Answer, set: &DataSet) -> Option<String> {
    let hits = match answer {
        Answer::Found(hits) => &hits[..query.size.unwrap_or(hits.len()).min(hits.len())],
        Answer::Refused(reason) => return Some(format!("refused: {reason}")),
    };
    let ids: Vec<i64> = hits.iter().flatten().map(|position| set.id_of(*position)).collect();
    let stages = hits.first().map_or(1, Vec::len);
    if !query.expected.iter().any(|expected| given_once(expected, stages) == ids) {
        return Some(format!("expected {:?}\n  got      {ids:?}", query.expected));
    }
    // Folded hits have no keys of their own.
    let expected = query.join_keys.as_ref().filter(|_| query.expected.contains(&ids))?;
    join_keys_differ(query, expected, hits, set)
}

/// The first event of a hit must have its join keys. Which one of many values was taken cannot be seen from outside.
/// Events that share several values of a key are found once for each by Elasticsearch; their alert has the same id
/// each time, and is one.
fn given_once<T: Clone + PartialEq>(expected: &[T], stages: usize) -> Vec<T> {
    let mut once: Vec<&[T]> = Vec::new();
    for hit in expected.chunks(stages.max(1)) {
        if stages == 1 || !once.contains(&hit) {
            once.push(hit);
        }
    }
    once.concat()
}

fn join_keys_differ(
    query: &TestQuery,
    expected: &[String],
    hits: &[Vec<usize>],
    set: &DataSet,
) -> Option<String> {
    let fields = keys_of_first_event(&query.query);
    if expected.len() != hits.len() * fields.len() {
        let (expected, hits, fields) = (expected.len(), hits.len(), fields.len());
        return Some(format!("expected {expected} join keys, got {hits} hits of {fields} keys"));
    }
    let of_hits = expected.chunks(fields.len().max(1)).zip(hits);
    let pairs =
        of_hits.flat_map(|(keys, hit)| keys.iter().zip(&fields).map(|(key, field)| (key, field, hit[0])));
    pairs.into_iter().find_map(|(key, field, position)| {
        let values = set.key_texts(position, &field.name);
        (!values.contains(key))
            .then(|| format!("expected the join key {} to be {key}, got {values:?}", field.name))
    })
}

/// The join keys of the first stage that has an event.
fn keys_of_first_event(query: &str) -> Vec<FieldRef> {
    let (by, stages) = match query::eql::parse(query).tree.body {
        Body::Sequence(sequence) => (sequence.by, sequence.stages),
        Body::Sample(sample) => (sample.by, sample.stages),
        Body::Event(_) | Body::Invalid => return Vec::new(),
    };
    let own = stages.into_iter().find(|stage| !stage.missing).map(|stage| stage.by).unwrap_or_default();
    by.into_iter().chain(own).map(|key| key.value).collect()
}
