//! The catalogue: what every field that we know means.
//!
//! The tables beside this file hold one line per group of sibling fields:
//!
//! ```text
//! # prefix            type      names under the prefix; a star marks a field that holds many values
//! event               keyword   action category* type*
//! -                   date      @timestamp
//! ```

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use crate::{Arity, Field, FieldType};

/// ECS. Names and types are facts of <https://github.com/elastic/ecs> (Apache-2.0).
const ECS: &str = include_str!("catalog/ecs.fields");
/// The CloudTrail data stream, package `aws` 8.9.0.
const AWS_CLOUDTRAIL: &str = include_str!("catalog/aws_cloudtrail.fields");
/// Fields of Windows event logs that are not what an unknown field is taken for: analysed text.
const WINDOWS: &str = include_str!("catalog/windows.fields");

/// What every known field means. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Catalog {
    fields: Arc<HashMap<Box<str>, Field>>,
    /// Names in order, for wildcards and suggestions.
    names: Arc<[Box<str>]>,
}

/// Why a field table could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct CatalogError {
    /// Line in the table, from one.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
}

impl Catalog {
    /// ECS and every data stream that Bartizan brings fields for.
    ///
    /// Where two tables name the same field the later, more specific one wins.
    pub fn builtin() -> Self {
        static BUILTIN: LazyLock<Catalog> = LazyLock::new(|| {
            // The tables are part of the program; a test holds that they are read whole.
            Catalog::parse([ECS, AWS_CLOUDTRAIL, WINDOWS])
                .unwrap_or_else(|_| Catalog::from_fields(HashMap::new()))
        });
        BUILTIN.clone()
    }

    /// ECS alone, without the fields that integrations add.
    pub fn ecs() -> Self {
        static ECS_ALONE: LazyLock<Catalog> =
            LazyLock::new(|| Catalog::parse([ECS]).unwrap_or_else(|_| Catalog::from_fields(HashMap::new())));
        ECS_ALONE.clone()
    }

    /// Reads field tables; later tables win.
    ///
    /// # Errors
    /// When a line has fewer than three words or names an unknown type.
    pub fn parse<'a>(tables: impl IntoIterator<Item = &'a str>) -> Result<Self, CatalogError> {
        let mut fields = HashMap::new();
        for table in tables {
            for (number, line) in table.lines().enumerate() {
                if line.starts_with('#') || line.trim().is_empty() {
                    continue;
                }
                let fail = |reason: String| CatalogError { line: number + 1, reason };
                let mut words = line.split_whitespace();
                let (Some(prefix), Some(kind)) = (words.next(), words.next()) else {
                    return Err(fail("expected a prefix, a type and names".to_owned()));
                };
                let field_type =
                    FieldType::parse(kind).ok_or_else(|| fail(format!("unknown field type {kind}")))?;
                for word in words {
                    let (leaf, arity) = match word.strip_suffix('*') {
                        Some(leaf) => (leaf, Arity::Many),
                        None => (word, Arity::One),
                    };
                    let name: Box<str> =
                        if prefix == "-" { leaf.into() } else { format!("{prefix}.{leaf}").into() };
                    fields.insert(name.clone(), Field { name, field_type, arity });
                }
            }
        }
        Ok(Self::from_fields(fields))
    }

    fn from_fields(fields: HashMap<Box<str>, Field>) -> Self {
        let mut names: Vec<Box<str>> = fields.keys().cloned().collect();
        names.sort();
        Self { fields: Arc::new(fields), names: names.into() }
    }

    /// The entry of exactly this name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.get(name)
    }

    /// The type of a field; a sub-key of a flattened field is a keyword. `None` for unknown fields.
    pub fn field_type(&self, name: &str) -> Option<FieldType> {
        match self.field(name) {
            Some(field) => Some(field.field_type),
            None => self.flattened_parent(name).map(|_| FieldType::Keyword),
        }
    }

    /// The flattened field that `name` is a sub-key of.
    pub fn flattened_parent<'a>(&self, name: &'a str) -> Option<&'a str> {
        name.rmatch_indices('.')
            .map(|(at, _)| &name[..at])
            .find(|p| self.field(p).is_some_and(|f| f.field_type == FieldType::Flattened))
    }

    /// The nested field above (or at) `name`, nearest first.
    pub fn nested_parent<'a>(&self, name: &'a str) -> Option<&'a str> {
        std::iter::once(name)
            .chain(name.rmatch_indices('.').map(|(at, _)| &name[..at]))
            .find(|p| self.field(p).is_some_and(|f| f.field_type == FieldType::Nested))
    }

    /// All names, in byte order.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.names.iter().map(|n| &**n)
    }

    /// How many fields the catalogue knows.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// True when it knows none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The known field nearest in spelling to `name`, for "did you mean": of several the one that begins most like it.
    /// None when nothing is near.
    pub fn nearest(&self, name: &str) -> Option<&str> {
        let limit = (name.len() / 4).clamp(1, 3);
        self.names()
            .filter(|n| n.len().abs_diff(name.len()) <= limit)
            .filter_map(|n| Some((edit_distance(n, name, limit)?, n)))
            .min_by_key(|(distance, n)| (*distance, Reverse(common_beginning(n, name))))
            .map(|(_, n)| n)
    }
}

fn common_beginning(a: &str, b: &str) -> usize {
    a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count()
}

/// Optimal string alignment distance in bytes: insertions, deletions, replacements and swaps of neighbours. `None`
/// when it is above `limit`, which shows early for most names.
fn edit_distance(a: &str, b: &str, limit: usize) -> Option<usize> {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut rows: [Vec<usize>; 3] = [Vec::new(), Vec::new(), (0..=b.len()).collect()];
    for i in 1..=a.len() {
        rows.rotate_left(1);
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            row[j] = (rows[1][j] + 1).min(row[j - 1] + 1).min(rows[1][j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(rows[0][j - 2] + 1);
            }
        }
        // A swap reaches two rows back.
        let least = row.iter().chain(&rows[1]).min().copied().unwrap_or(0);
        if least > limit {
            return None;
        }
        rows[2] = row;
    }
    Some(rows[2][b.len()]).filter(|distance| *distance <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builtin_tables_are_read_whole() {
        let catalog = Catalog::parse([ECS, AWS_CLOUDTRAIL, WINDOWS]).unwrap();
        assert!(catalog.len() > 2_000);
        assert_eq!(catalog.field_type("event.action"), Some(FieldType::Keyword));
        assert_eq!(catalog.field("event.category").unwrap().arity, Arity::Many);
        assert_eq!(catalog.field_type("source.ip"), Some(FieldType::Ip));
        assert_eq!(catalog.field_type("@timestamp"), Some(FieldType::Date));
        assert_eq!(catalog.field_type("message"), Some(FieldType::MatchOnlyText));
        assert_eq!(catalog.field_type("powershell.file.script_block_text"), Some(FieldType::Text));
    }

    #[test]
    fn sub_keys_of_flattened_fields_are_keywords() {
        let catalog = Catalog::builtin();
        let name = "aws.cloudtrail.flattened.request_parameters.policy.deeper";
        assert_eq!(catalog.flattened_parent(name), Some("aws.cloudtrail.flattened.request_parameters"));
        assert_eq!(catalog.field_type(name), Some(FieldType::Keyword));
        assert_eq!(catalog.field_type("no.such.field"), None);
    }

    #[test]
    fn a_misspelt_field_is_recognised() {
        assert_eq!(Catalog::builtin().nearest("user.nmae"), Some("user.name"));
        let catalog = Catalog::parse(["-  keyword  aserr users"]).unwrap();
        assert_eq!(catalog.nearest("userr"), Some("users"));
        assert_eq!(Catalog::builtin().nearest("winlog.event_data.Foo"), None);
    }

    #[test]
    fn a_bad_line_is_named() {
        let error = Catalog::parse(["a keyword b\nc nonsense d"]).unwrap_err();
        assert_eq!(error.to_string(), "line 2: unknown field type nonsense");
    }
}
