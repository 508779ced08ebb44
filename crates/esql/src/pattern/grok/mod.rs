//! GROK: takes texts apart with regular expressions that are put together from named patterns.
//!
//! Source of the behaviour: elastic/elasticsearch `libs/grok`, and `GrokEvaluatorExtracter` and `LogicalPlanBuilder`
//! of `x-pack/plugin/esql`. The expressions are Oniguruma's, and are searched anywhere in the text.

mod library;
mod reference;
#[cfg(test)]
mod tests;
mod value;

use query::{Diagnostic, Span};

pub use self::value::{GrokKind, GrokValue};
use super::regular_expression::{Dialect, Engine, MatchFailure, Node, Parser, Shared};

/// One or several GROK patterns, ready to be applied.
#[derive(Debug, Clone)]
pub struct Grok {
    engine: Engine,
    fields: Vec<GrokField>,
    /// For each field, the groups that give its values, in order.
    groups: Vec<Vec<(usize, GrokKind)>>,
}

/// A new column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrokField {
    /// The name of the column.
    pub name: String,
    /// The type of its values.
    pub kind: GrokKind,
}

/// What is wrong with one of several patterns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrokFault {
    /// Which pattern, from 0.
    pub pattern: usize,
    /// Its span is in bytes of that pattern.
    pub diagnostic: Diagnostic,
}

/// Why a text has no result. All columns are null, whatever other values of the row gave, and the caller counts it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrokFailure {
    /// The pattern fits, but what a typed field took is not of its type.
    #[error("`{text}`, which `{field}` takes, is not of its type")]
    Conversion {
        /// The name of the field.
        field: String,
        /// What it took.
        text: String,
    },
    /// The search was given up.
    #[error(transparent)]
    Search(#[from] MatchFailure),
}

impl Grok {
    /// Reads patterns. A text is matched against all of them at once: the leftmost match counts, and of matches at the
    /// same place that of the first pattern.
    ///
    /// # Errors
    /// One diagnostic with a code `esql::grok-…` or `esql::regex-…`.
    pub fn parse(patterns: &[&str]) -> Result<Self, Box<GrokFault>> {
        let mut shared = Shared::default();
        let mut nodes = Vec::with_capacity(patterns.len());
        for (index, pattern) in patterns.iter().enumerate() {
            let fault = |diagnostic| Box::new(GrokFault { pattern: index, diagnostic });
            let node = read(pattern, &mut shared).map_err(fault)?;
            if patterns.len() > 1 {
                // So that a pattern too large is shown where it stands.
                Engine::new(&node, pattern.len()).map_err(fault)?;
            }
            nodes.push(node);
        }
        let last = patterns.len().saturating_sub(1);
        let length = patterns.last().map_or(0, |pattern| pattern.len());
        let fault = |diagnostic| Box::new(GrokFault { pattern: last, diagnostic });
        let (fields, groups) = fields(&shared, length).map_err(fault)?;
        let node = if nodes.len() == 1 { nodes.remove(0) } else { Node::Either(nodes) };
        let engine = Engine::new(&node, length).map_err(fault)?;
        Ok(Self { engine, fields, groups })
    }

    /// The new columns, sorted by name.
    pub fn fields(&self) -> &[GrokField] {
        &self.fields
    }

    /// For each of [`Self::fields`] its values; none is null, several are a multi-value. `None` when the text does not
    /// match, and all columns are null.
    ///
    /// # Errors
    /// When a value is not of its field's type, or the search was given up.
    pub fn apply<'t>(&self, text: &'t str) -> Result<Option<Vec<Vec<GrokValue<'t>>>>, GrokFailure> {
        let Some(places) = self.engine.captures_at(text, 0)? else { return Ok(None) };
        let mut values = Vec::with_capacity(self.fields.len());
        for (field, groups) in self.fields.iter().zip(&self.groups) {
            let mut taken = Vec::with_capacity(groups.len());
            for (group, kind) in groups {
                let Some(part) =
                    places.get(*group).copied().flatten().and_then(|(start, end)| text.get(start..end))
                else {
                    continue;
                };
                taken.push(kind.read(part).ok_or_else(|| GrokFailure::Conversion {
                    field: field.name.clone(),
                    text: part.to_owned(),
                })?);
            }
            values.push(taken);
        }
        Ok(Some(values))
    }
}

fn read(pattern: &str, shared: &mut Shared) -> Result<Node, Diagnostic> {
    let mut parser = Parser::new(Dialect::Oniguruma, pattern, shared);
    parser.reference = Some(reference::read);
    parser.parse()
}

type Fields = (Vec<GrokField>, Vec<Vec<(usize, GrokKind)>>);

/// The columns, sorted by name, and the groups of each: those with the same `SYNTAX:name:type` together, as upstream.
fn fields(shared: &Shared, length: usize) -> Result<Fields, Diagnostic> {
    let mut found: Vec<(GrokField, Vec<(usize, GrokKind)>)> = Vec::new();
    let mut written: Vec<(&str, Vec<usize>)> = Vec::new();
    for (number, name) in (1..).zip(&shared.groups) {
        let Some(name) = name.as_deref() else { continue };
        match written.iter_mut().find(|(other, _)| *other == name) {
            Some((_, numbers)) => numbers.push(number),
            None => written.push((name, vec![number])),
        }
    }
    for (written, numbers) in written {
        let parts: Vec<&str> = written.trim_end_matches(':').split(':').collect();
        let (name, kind) = match parts[..] {
            [name] | [_, name] => (name, GrokKind::Keyword),
            [_, name, kind] => (name, GrokKind::of(kind)),
            [_, name, ..] => (name, GrokKind::Keyword),
            [] => continue,
        };
        let groups = numbers.into_iter().map(|number| (number, kind));
        match found.iter_mut().find(|(field, _)| field.name == name) {
            None => found.push((GrokField { name: name.to_owned(), kind }, groups.collect())),
            Some((field, others)) if field.kind.same_column(kind) => others.extend(groups),
            Some(_) => {
                let message = format!("`{name}` is taken with different types");
                return Err(Diagnostic::error("esql::grok-types", message)
                    .at(Span::new(0, length))
                    .help("give it the same type everywhere, or another name"));
            }
        }
    }
    found.sort_by(|(left, _), (right, _)| left.name.cmp(&right.name));
    Ok(found.into_iter().unzip())
}
