//! The patterns that GROK knows by name, from our own files beside this one.

use std::{collections::HashMap, sync::LazyLock};

const FILES: [&str; 2] = [include_str!("base.txt"), include_str!("logs.txt")];

static PATTERNS: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| lines().collect());

/// The expression of a pattern.
pub(super) fn find(name: &str) -> Option<&'static str> {
    PATTERNS.get(name).copied()
}

/// All names, in the order of the files.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    lines().map(|(name, _)| name)
}

fn lines() -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES
        .into_iter()
        .flat_map(str::lines)
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(' '))
}
