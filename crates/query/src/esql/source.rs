//! What ES|QL's source commands read: index patterns, metadata fields, subqueries.

use super::ast::{From, FromItem, IndexPattern, Source};
use super::parser::Parser;
use super::token::TokenKind;
use crate::nearest::nearest;
use crate::{Span, Spanned};

/// Fields that `METADATA` can name (elastic/elasticsearch, x-pack/plugin/esql-core, MetadataAttribute).
const METADATA: &[&str] =
    &["_id", "_ignored", "_index", "_index_mode", "_score", "_size", "_source", "_tier", "_tsid", "_version"];

impl Parser<'_> {
    /// `pattern, (FROM …) METADATA name, …`
    pub(super) fn from(&mut self) -> Option<From> {
        let mut items = Vec::new();
        if self.at_end_of_command() || self.at_metadata() {
            self.missing("write `FROM index-pattern`");
        } else {
            self.read_item(&mut items);
            while self.tokens.take(&TokenKind::Comma).is_some() {
                self.read_item(&mut items);
            }
        }
        let mut metadata: Vec<Spanned<String>> = Vec::new();
        if self.at_metadata() {
            self.tokens.skip(1);
            loop {
                if let Some(name) = self.metadata_name()
                    && self.is_usable_metadata(&name, &metadata)
                {
                    metadata.push(name);
                }
                if self.tokens.take(&TokenKind::Comma).is_none() {
                    break;
                }
            }
        } else if self.tokens.is_at(&TokenKind::LeftBracket) {
            let place = self.tokens.current_span();
            self.faults.error(
                "esql::metadata-brackets",
                "brackets are an older form",
                place,
                "no longer read",
                "write `METADATA _id, _index` without brackets",
            );
            self.skip_command();
        }
        (!items.is_empty()).then_some(From { items, metadata })
    }

    fn at_metadata(&self) -> bool {
        matches!(self.tokens.kind_at(0), Some(TokenKind::Source(word)) if word.eq_ignore_ascii_case("metadata"))
    }

    fn read_item(&mut self, items: &mut Vec<Spanned<FromItem>>) {
        if self.tokens.is_at(&TokenKind::OpenPipeline) {
            if let Some(query) = self.subquery() {
                items.push(Spanned::new(FromItem::Subquery(Box::new(query.value)), query.span));
            }
            return;
        }
        for pattern in self.index_patterns() {
            items.push(Spanned::new(FromItem::Pattern(pattern.value), pattern.span));
        }
    }

    /// One unquoted pattern, or all that stand in one quoted text.
    pub(super) fn index_patterns(&mut self) -> Vec<Spanned<IndexPattern>> {
        let span = self.tokens.current_span();
        match self.tokens.kind_at(0).cloned() {
            Some(TokenKind::Text(text)) => {
                self.tokens.skip(1);
                let patterns = text.split(',').map(|part| self.split_pattern(part.trim(), span));
                let patterns: Vec<_> = patterns.collect();
                patterns.into_iter().flatten().collect()
            }
            Some(TokenKind::Source(first)) => {
                self.tokens.skip(1);
                let mut pattern = IndexPattern { cluster: None, index: first, selector: None };
                if self.tokens.is_at(&TokenKind::Colon)
                    && let Some(TokenKind::Source(index)) = self.tokens.kind_at(1).cloned()
                {
                    self.tokens.skip(2);
                    pattern.cluster = Some(std::mem::replace(&mut pattern.index, index));
                }
                if self.tokens.is_at(&TokenKind::Cast)
                    && let Some(TokenKind::Source(selector)) = self.tokens.kind_at(1).cloned()
                {
                    self.tokens.skip(2);
                    pattern.selector = Some(selector);
                }
                vec![Spanned::new(pattern, span.to(self.tokens.previous_span()))]
            }
            _ => {
                self.missing("write an index pattern; one with special characters stands in double quotes");
                self.skip_until(|kind| *kind == TokenKind::Comma);
                Vec::new()
            }
        }
    }

    fn split_pattern(&mut self, text: &str, span: Span) -> Option<Spanned<IndexPattern>> {
        let (rest, selector) = match text.rsplit_once("::") {
            Some((rest, selector)) => (rest, Some(selector.to_owned())),
            None => (text, None),
        };
        let (cluster, index) = match rest.split_once(':') {
            Some((cluster, index)) => (Some(cluster.to_owned()), index),
            None => (None, rest),
        };
        let parts = [cluster.as_deref(), Some(index), selector.as_deref()];
        if parts.iter().flatten().any(|part| part.is_empty() || part.contains(':') || part.trim() != *part) {
            self.faults.error(
                "esql::bad-index-pattern",
                "this names no index",
                span,
                "not an index pattern",
                "write `\"index\"`, `\"cluster:index\"` or `\"index::selector\"`",
            );
            return None;
        }
        Some(Spanned::new(IndexPattern { cluster, index: index.to_owned(), selector }, span))
    }

    fn metadata_name(&mut self) -> Option<Spanned<String>> {
        let Some(TokenKind::Source(name)) = self.tokens.kind_at(0).cloned() else {
            self.missing("write `METADATA _id, _index`");
            return None;
        };
        let span = self.tokens.advance();
        Some(Spanned::new(name, span))
    }

    fn is_usable_metadata(&mut self, name: &Spanned<String>, before: &[Spanned<String>]) -> bool {
        if !METADATA.contains(&name.value.as_str()) {
            let help = match nearest(&name.value, METADATA) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("ES|QL has {}", METADATA.join(", ")),
            };
            let message = format!("ES|QL has no metadata field `{}`", name.value);
            self.faults.error("esql::unknown-metadata", message, name.span, "unknown metadata field", help);
            return false;
        }
        if before.contains(name) {
            let message = format!("`{}` is named twice", name.value);
            self.faults.error("esql::repeated-metadata", message, name.span, "named before", "take it out");
            return false;
        }
        true
    }

    /// After `SHOW`.
    pub(super) fn show(&mut self) -> Option<Source> {
        match self.tokens.kind_at(0) {
            Some(TokenKind::Name(word)) if word.eq_ignore_ascii_case("info") => {
                let span = self.tokens.advance();
                Some(Source::Show(Spanned::new("INFO".to_owned(), span)))
            }
            _ => {
                self.missing("write `SHOW INFO`");
                self.skip_command();
                None
            }
        }
    }
}
