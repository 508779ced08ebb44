//! What ES|QL's processing commands take.

use super::ast::{
    Aggregate, Command, EnrichField, Field, IndexPattern, Literal, NamePattern, NullsOrder, OptionEntry,
    Renaming, SortKey, SortOrder, Stats,
};
use super::parser::Parser;
use super::token::{Keyword, TokenKind};
use crate::{Span, Spanned};

impl Parser<'_> {
    /// `name = value, value, …`
    pub(super) fn fields(&mut self) -> Option<Vec<Field>> {
        if self.at_end_of_command() {
            self.missing("write `name = value`");
            return None;
        }
        let mut fields = vec![self.field()];
        while self.tokens.take(&TokenKind::Comma).is_some() {
            fields.push(self.field());
        }
        Some(fields)
    }

    fn field(&mut self) -> Field {
        let name = self.assigned_name();
        let value = self.expression();
        self.end_of_item();
        Field { name, value }
    }

    /// `name =`, when it stands here.
    fn assigned_name(&mut self) -> Option<Spanned<String>> {
        let start = self.tokens.position();
        if self.begins_name_at(0) {
            let found = self.faults.diagnostics.len();
            let name = self.name();
            if self.tokens.take(&TokenKind::Assign).is_some() {
                return name;
            }
            self.faults.diagnostics.truncate(found);
            self.tokens.go_to(start);
        }
        None
    }

    /// Reports what stands between an item and the next comma, keyword or end.
    pub(super) fn end_of_item(&mut self) {
        let ends = |kind: &TokenKind| {
            matches!(
                kind,
                TokenKind::Comma | TokenKind::Keyword(Keyword::By | Keyword::Where | Keyword::With)
            )
        };
        if !self.at_end_of_command() && !self.tokens.kind_at(0).is_some_and(ends) {
            let place = self.tokens.current_span();
            self.unexpected(place);
            self.skip_until(ends);
        }
    }

    /// After `STATS`, `INLINESTATS` or `INLINE`.
    pub(super) fn stats(&mut self, span: Span, word: &str) -> Option<Command> {
        let is_inline = !word.eq_ignore_ascii_case("stats");
        if word.eq_ignore_ascii_case("inline") {
            if !matches!(self.tokens.kind_at(0), Some(TokenKind::Name(next)) if next.eq_ignore_ascii_case("stats"))
            {
                self.missing("write `INLINE STATS aggregate BY key`");
                self.skip_command();
                return None;
            }
            self.tokens.skip(1);
        }
        let mut aggregates = Vec::new();
        if !self.at_end_of_command() && !self.tokens.is_at(&TokenKind::Keyword(Keyword::By)) {
            aggregates.push(self.aggregate());
            while self.tokens.take(&TokenKind::Comma).is_some() {
                aggregates.push(self.aggregate());
            }
        }
        let by = if self.take_keyword(Keyword::By) { self.fields().unwrap_or_default() } else { Vec::new() };
        if aggregates.is_empty() && (by.is_empty() || is_inline) {
            self.faults.error(
                "esql::empty-stats",
                "nothing is computed here",
                span,
                "no aggregate",
                "write `STATS name = COUNT(*) BY key`",
            );
            return None;
        }
        let stats = Stats { aggregates, by };
        Some(if is_inline { Command::InlineStats(stats) } else { Command::Stats(stats) })
    }

    fn aggregate(&mut self) -> Aggregate {
        let field = self.field();
        let filter = self.take_keyword(Keyword::Where).then(|| {
            let filter = self.expression();
            self.end_of_item();
            filter
        });
        Aggregate { field, filter }
    }

    /// `pattern, …`
    pub(super) fn name_patterns(&mut self) -> Option<Vec<Spanned<NamePattern>>> {
        let mut patterns = Vec::new();
        loop {
            patterns.extend(self.name_pattern());
            self.end_of_item();
            if self.tokens.take(&TokenKind::Comma).is_none() {
                return (!patterns.is_empty()).then_some(patterns);
            }
        }
    }

    /// After `DROP`.
    pub(super) fn drop_columns(&mut self) -> Option<Command> {
        let patterns = self.name_patterns()?;
        for pattern in &patterns {
            if pattern.value.is_everything() {
                self.faults.error(
                    "esql::drop-everything",
                    "not all columns can be dropped",
                    pattern.span,
                    "every column",
                    "name the columns to drop, or write `KEEP` with those to keep",
                );
            }
        }
        Some(Command::Drop(patterns))
    }

    /// After `RENAME`.
    pub(super) fn rename(&mut self) -> Option<Command> {
        let mut renamings = Vec::new();
        loop {
            renamings.extend(self.renaming());
            self.end_of_item();
            if self.tokens.take(&TokenKind::Comma).is_none() {
                return (!renamings.is_empty()).then_some(Command::Rename(renamings));
            }
        }
    }

    fn renaming(&mut self) -> Option<Renaming> {
        const HELP: &str = "write `RENAME old AS new`";
        let first = self.plain_name(HELP)?;
        let is_assigned = self.tokens.take(&TokenKind::Assign).is_some();
        if !is_assigned {
            self.expect(&TokenKind::Keyword(Keyword::As), HELP)?;
        }
        let second = self.plain_name(HELP)?;
        let (old, new) = if is_assigned { (second, first) } else { (first, second) };
        Some(Renaming { old, new })
    }

    /// After `SORT`.
    pub(super) fn sort(&mut self) -> Command {
        let mut keys = vec![self.sort_key()];
        while self.tokens.take(&TokenKind::Comma).is_some() {
            keys.push(self.sort_key());
        }
        Command::Sort(keys)
    }

    fn sort_key(&mut self) -> SortKey {
        let value = self.expression();
        let order = if self.take_keyword(Keyword::Desc) {
            SortOrder::Descending
        } else {
            self.take_keyword(Keyword::Asc);
            SortOrder::Ascending
        };
        let mut nulls = order.default_nulls();
        if self.take_keyword(Keyword::Nulls) {
            if self.take_keyword(Keyword::First) {
                nulls = NullsOrder::First;
            } else if self.take_keyword(Keyword::Last) {
                nulls = NullsOrder::Last;
            } else {
                self.missing("write `NULLS FIRST` or `NULLS LAST`");
            }
        }
        self.end_of_item();
        SortKey { value, order, nulls }
    }

    /// After `LIMIT`.
    pub(super) fn limit(&mut self) -> Option<Command> {
        let value = self.expression();
        let count = match value.value {
            super::ast::Expr::Literal(Literal::Integer(count)) => u64::try_from(count).ok(),
            super::ast::Expr::Invalid => return None,
            _ => None,
        };
        let Some(count) = count.filter(|count| *count <= i32::MAX.unsigned_abs().into()) else {
            self.faults.error(
                "esql::limit-count",
                "`LIMIT` takes one whole number",
                value.span,
                "not a whole number from 0 to 2147483647",
                "write `LIMIT 10`",
            );
            return None;
        };
        if self.tokens.is_at(&TokenKind::Keyword(Keyword::By)) {
            let place = self.tokens.current_span();
            self.faults.error(
                "esql::limit-by",
                "a limit for each group is not supported",
                place,
                "groups",
                "write `LIMIT 10`, or keep the first of each group with `STATS`",
            );
            self.skip_command();
        }
        Some(Command::Limit(Spanned::new(count, value.span)))
    }

    /// After `DISSECT`.
    pub(super) fn dissect(&mut self) -> Option<Command> {
        const HELP: &str = "write `DISSECT name \"%{first} %{second}\"`";
        let input = self.operand();
        let pattern = self.constant_text(HELP)?;
        let mut append_separator = None;
        if matches!(self.tokens.kind_at(0), Some(TokenKind::Name(_) | TokenKind::QuotedName(_))) {
            let option = self.single_name(HELP)?;
            if !option.value.eq_ignore_ascii_case("append_separator") {
                self.faults.error(
                    "esql::dissect-option",
                    format!("`DISSECT` has no option `{}`", option.value),
                    option.span,
                    "unknown option",
                    "write `APPEND_SEPARATOR = \"…\"`, or take it out",
                );
                self.skip_command();
                return None;
            }
            self.expect(&TokenKind::Assign, "write `APPEND_SEPARATOR = \"…\"`")?;
            append_separator = Some(self.constant_text("write `APPEND_SEPARATOR = \"…\"`")?);
        }
        Some(Command::Dissect { input, pattern, append_separator })
    }

    /// After `GROK`.
    pub(super) fn grok(&mut self) -> Option<Command> {
        const HELP: &str = "write `GROK name \"%{WORD:first}\"`";
        let input = self.operand();
        let mut patterns = vec![self.constant_text(HELP)?];
        while self.tokens.take(&TokenKind::Comma).is_some() {
            patterns.push(self.constant_text(HELP)?);
        }
        Some(Command::Grok { input, patterns })
    }

    /// After `ENRICH`.
    pub(super) fn enrich(&mut self) -> Option<Command> {
        const HELP: &str = "write `ENRICH policy ON name WITH field`";
        let span = self.tokens.current_span();
        let mut policy = match self.tokens.kind_at(0).cloned() {
            Some(TokenKind::Source(name) | TokenKind::Text(name)) if !name.is_empty() => name,
            _ => {
                self.missing(HELP);
                self.skip_command();
                return None;
            }
        };
        self.tokens.skip(1);
        if self.tokens.is_at(&TokenKind::Colon)
            && let Some(TokenKind::Source(name)) = self.tokens.kind_at(1)
        {
            policy = format!("{policy}:{name}");
            self.tokens.skip(2);
        }
        let policy = Spanned::new(policy, span.to(self.tokens.previous_span()));
        let on = if self.take_keyword(Keyword::On) { Some(self.plain_name(HELP)?) } else { None };
        let mut with = Vec::new();
        if self.take_keyword(Keyword::With) {
            loop {
                let first = self.plain_name(HELP)?;
                with.push(if self.tokens.take(&TokenKind::Assign).is_some() {
                    EnrichField { name: Some(first), field: self.plain_name(HELP)? }
                } else {
                    EnrichField { name: None, field: first }
                });
                if self.tokens.take(&TokenKind::Comma).is_none() {
                    break;
                }
            }
        }
        Some(Command::Enrich { policy, on, with })
    }

    /// After `LOOKUP`.
    pub(super) fn lookup_join(&mut self, span: Span) -> Option<Command> {
        const HELP: &str = "write `LOOKUP JOIN index ON name`";
        if !matches!(self.tokens.kind_at(0), Some(TokenKind::Source(word)) if word.eq_ignore_ascii_case("join"))
        {
            self.missing(HELP);
            self.skip_command();
            return None;
        }
        self.tokens.skip(1);
        let patterns: Vec<Spanned<IndexPattern>> = self.index_patterns();
        self.expect(&TokenKind::Keyword(Keyword::On), HELP)?;
        let mut on = vec![self.expression()];
        self.end_of_item();
        while self.tokens.take(&TokenKind::Comma).is_some() {
            on.push(self.expression());
            self.end_of_item();
        }
        let mut patterns = patterns.into_iter();
        let index = patterns.next()?;
        if patterns.next().is_some() {
            self.faults.error(
                "esql::several-lookups",
                "a join looks into one index",
                span.to(index.span),
                "several",
                HELP,
            );
        }
        Some(Command::LookupJoin { index, on })
    }

    /// After `CHANGE_POINT`.
    pub(super) fn change_point(&mut self) -> Option<Command> {
        const HELP: &str = "write `CHANGE_POINT value ON key AS type, pvalue`";
        let value = self.plain_name(HELP)?;
        let on = if self.take_keyword(Keyword::On) { Some(self.plain_name(HELP)?) } else { None };
        let mut outputs = None;
        if self.take_keyword(Keyword::As) {
            let change = self.plain_name(HELP)?;
            self.expect(&TokenKind::Comma, HELP)?;
            outputs = Some((change, self.plain_name(HELP)?));
        }
        Some(Command::ChangePoint { value, on, outputs })
    }

    /// After `COMPLETION`.
    pub(super) fn completion(&mut self) -> Option<Command> {
        let target = self.assigned_name();
        let prompt = self.operand();
        let options = self.with_options()?;
        Some(Command::Completion { target, prompt, options })
    }

    /// After `RERANK`.
    pub(super) fn rerank(&mut self) -> Option<Command> {
        const HELP: &str = "write `RERANK \"query\" ON name`";
        let target = self.assigned_name();
        let query = self.constant(HELP)?;
        self.expect(&TokenKind::Keyword(Keyword::On), HELP)?;
        let on = self.fields()?;
        let options = self.with_options()?;
        Some(Command::Rerank { target, query, on, options })
    }

    /// After `FORK`.
    pub(super) fn fork(&mut self, span: Span) -> Option<Command> {
        let mut branches = Vec::new();
        while self.tokens.is_at(&TokenKind::OpenPipeline) {
            branches.push(self.branch());
        }
        if branches.is_empty() {
            self.faults.error(
                "esql::empty-fork",
                "there are no branches",
                span,
                "nothing to run",
                "write `FORK (WHERE a) (WHERE b)`",
            );
            self.skip_command();
        }
        let is_whole = !branches.is_empty() && branches.iter().all(|branch| !branch.is_empty());
        is_whole.then_some(Command::Fork(branches))
    }

    /// After `FUSE`.
    pub(super) fn fuse(&mut self) -> Option<Command> {
        const HELP: &str = "write `FUSE rrf SCORE BY name GROUP BY name KEY BY name WITH { … }`";
        let mut method = None;
        let mut score_by = None;
        let mut group_by = None;
        let mut key_by = Vec::new();
        let mut options = Vec::new();
        if self.begins_name_at(0) && self.tokens.kind_at(1) != Some(&TokenKind::Keyword(Keyword::By)) {
            method = Some(self.single_name(HELP)?);
        }
        while !self.at_end_of_command() {
            if self.tokens.is_at(&TokenKind::Keyword(Keyword::With)) && options.is_empty() {
                options = self.with_options()?;
                continue;
            }
            let part = self.single_name(HELP)?;
            self.expect(&TokenKind::Keyword(Keyword::By), HELP)?;
            let column = self.name_or_missing(HELP)?;
            match part.value.to_ascii_lowercase().as_str() {
                "score" if score_by.is_none() => score_by = Some(column),
                "group" if group_by.is_none() => group_by = Some(column),
                "key" if key_by.is_empty() => {
                    key_by.push(column);
                    while self.tokens.take(&TokenKind::Comma).is_some() {
                        key_by.push(self.name_or_missing(HELP)?);
                    }
                }
                _ => {
                    let message = format!("`FUSE` has no `{} BY` here", part.value);
                    self.faults.error(
                        "esql::fuse-option",
                        message,
                        part.span,
                        "unknown, or written twice",
                        HELP,
                    );
                    self.skip_command();
                    return None;
                }
            }
        }
        Some(Command::Fuse { method, score_by, group_by, key_by, options })
    }

    /// After `SAMPLE`.
    pub(super) fn sample(&mut self) -> Option<Command> {
        const HELP: &str = "write `SAMPLE 0.1`";
        let share = self.constant(HELP)?;
        if !matches!(share.value, Literal::Double(value) if value > 0.0 && value < 1.0) {
            self.faults.error(
                "esql::sample-share",
                "a sample is a share between 0 and 1",
                share.span,
                "not between 0 and 1",
                HELP,
            );
            return None;
        }
        Some(Command::Sample(share))
    }

    /// `WITH { … }`, when it stands here; `None` after a fault.
    fn with_options(&mut self) -> Option<Vec<OptionEntry>> {
        if self.take_keyword(Keyword::With) { self.map() } else { Some(Vec::new()) }
    }
}
