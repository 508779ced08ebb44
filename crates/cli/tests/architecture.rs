//! Holds `ARCHITECTURE.md` and the house rules against the tree.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_crate_is_on_the_map_and_the_other_way_round() {
    let page = fs::read_to_string(repository().join("ARCHITECTURE.md")).unwrap();
    let named: BTreeSet<String> = page
        .match_indices("crates/")
        .map(|(at, prefix)| {
            let rest = &page[at + prefix.len()..];
            rest[..rest.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(rest.len())].to_owned()
        })
        .filter(|name| !name.is_empty())
        .collect();
    let there: BTreeSet<String> = fs::read_dir(repository().join("crates"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(named, there);
}

#[test]
fn dependencies_between_our_crates_point_the_way_that_the_page_says() {
    let allowed = |name: &str| -> &[&str] {
        match name {
            "ecs" | "query" | "state" | "respond" => &[],
            "rule" => &["query", "ecs"],
            "matcher" => &["rule", "query", "ecs"],
            "alert" => &["rule", "ecs"],
            "ingest" | "lake" => &["ecs"],
            "notify" => &["matcher", "rule", "query", "ecs"],
            "engine" => &["matcher", "ingest", "alert", "rule", "query", "ecs"],
            _ => &["engine", "matcher", "ingest", "alert", "rule", "query", "ecs"],
        }
    };
    for entry in fs::read_dir(repository().join("crates")).unwrap() {
        let folder = entry.unwrap();
        let name = folder.file_name().into_string().unwrap();
        let manifest = fs::read_to_string(folder.path().join("Cargo.toml")).unwrap();
        let dependencies =
            manifest.split("[dependencies]").nth(1).unwrap_or("").split("\n[").next().unwrap_or("");
        for ours in ["ecs", "query", "rule", "matcher", "alert", "ingest", "engine"] {
            if dependencies.lines().any(|line| line.starts_with(&format!("{ours}."))) {
                assert!(allowed(&name).contains(&ours), "{name} must not depend on {ours}");
            }
        }
    }
}

#[test]
fn every_source_file_says_first_what_it_is() {
    let mut found = Vec::new();
    sources(&repository().join("crates"), &mut found);
    sources(&repository().join("fuzz"), &mut found);
    assert!(found.len() > 100);
    for path in found {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//! "), "{} does not begin with what it is", path.display());
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let drawers = ["utils", "util", "common", "types", "helpers", "misc"];
        assert!(!drawers.contains(&name.as_str()), "{}: name the concept", path.display());
    }
}
