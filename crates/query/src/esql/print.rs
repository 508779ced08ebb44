//! An ES|QL tree as text: queries and their commands.

use std::fmt::{Display, Formatter, Result, Write};

use super::ast::{
    Aggregate, Command, EnrichField, Field, From, FromItem, IndexPattern, NullsOrder, OptionEntry,
    OtherCommand, Query, Renaming, Setting, SortKey, SortOrder, Source, Stats,
};
use super::print_expression::{Binding, expression, listed, map, text, texts};
use super::print_name::{dotted, word};
use super::token::is_plain_source;
use crate::Spanned;

/// Parses back to an equal tree, provided the tree is one that [`parse`](super::parse) gives for some text: no
/// `Invalid`, no empty list where one must hold something.
impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.settings.iter().try_for_each(|setting| write!(f, "{setting} "))?;
        self.source.value.fmt(f)?;
        self.commands.iter().try_for_each(|command| write!(f, " | {}", command.value))
    }
}

impl Display for Setting {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str("SET ")?;
        word(f, &self.name.value)?;
        write!(f, " = {};", self.value.value)
    }
}

impl Display for Source {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::From(from) => write!(f, "FROM {from}"),
            Self::TimeSeries(from) => write!(f, "TS {from}"),
            Self::Row(fields) => {
                f.write_str("ROW ")?;
                listed(f, fields)
            }
            Self::Show(what) => write!(f, "SHOW {}", what.value),
            Self::Other(other) => other.fmt(f),
            Self::Invalid => f.write_str("<invalid>"),
        }
    }
}

impl Display for From {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for (index, item) in self.items.iter().enumerate() {
            f.write_str(if index > 0 { ", " } else { "" })?;
            match &item.value {
                FromItem::Pattern(pattern) => pattern.fmt(f)?,
                FromItem::Subquery(query) => write!(f, "({query})")?,
            }
        }
        for (index, name) in self.metadata.iter().enumerate() {
            write!(f, "{}{}", if index > 0 { ", " } else { " METADATA " }, name.value)?;
        }
        Ok(())
    }
}

impl Display for IndexPattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let parts = [self.cluster.as_deref(), Some(self.index.as_str()), self.selector.as_deref()];
        let whole = [
            self.cluster.as_deref().unwrap_or_default(),
            if self.cluster.is_some() { ":" } else { "" },
            &self.index,
            if self.selector.is_some() { "::" } else { "" },
            self.selector.as_deref().unwrap_or_default(),
        ]
        .concat();
        if parts.into_iter().flatten().all(is_plain_source) { f.write_str(&whole) } else { text(f, &whole) }
    }
}

impl Display for Command {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Where(condition) => write!(f, "WHERE {}", condition.value),
            Self::Eval(fields) => {
                f.write_str("EVAL ")?;
                listed(f, fields)
            }
            Self::Stats(stats) => write!(f, "STATS{stats}"),
            Self::InlineStats(stats) => write!(f, "INLINE STATS{stats}"),
            Self::Keep(patterns) => {
                f.write_str("KEEP ")?;
                listed(f, patterns.iter().map(|pattern| &pattern.value))
            }
            Self::Drop(patterns) => {
                f.write_str("DROP ")?;
                listed(f, patterns.iter().map(|pattern| &pattern.value))
            }
            Self::Rename(renamings) => {
                f.write_str("RENAME ")?;
                listed(f, renamings)
            }
            Self::Sort(keys) => {
                f.write_str("SORT ")?;
                listed(f, keys)
            }
            Self::Limit(count) => write!(f, "LIMIT {}", count.value),
            Self::Dissect { input, pattern, append_separator } => {
                f.write_str("DISSECT ")?;
                expression(f, &input.value, Binding::Operand)?;
                f.write_char(' ')?;
                text(f, &pattern.value)?;
                let Some(separator) = append_separator else { return Ok(()) };
                f.write_str(" APPEND_SEPARATOR = ")?;
                text(f, &separator.value)
            }
            Self::Grok { input, patterns } => {
                f.write_str("GROK ")?;
                expression(f, &input.value, Binding::Operand)?;
                f.write_char(' ')?;
                texts(f, patterns)
            }
            Self::MvExpand(name) => {
                f.write_str("MV_EXPAND ")?;
                dotted(f, &name.value)
            }
            Self::Enrich { policy, on, with } => {
                f.write_str("ENRICH ")?;
                if is_plain_policy(&policy.value) {
                    f.write_str(&policy.value)?;
                } else {
                    text(f, &policy.value)?;
                }
                optional(f, " ON ", on.as_ref())?;
                if with.is_empty() {
                    return Ok(());
                }
                f.write_str(" WITH ")?;
                listed(f, with)
            }
            Self::LookupJoin { index, on } => {
                write!(f, "LOOKUP JOIN {} ON ", index.value)?;
                listed(f, on.iter().map(|condition| &condition.value))
            }
            Self::ChangePoint { value, on, outputs } => {
                f.write_str("CHANGE_POINT ")?;
                dotted(f, &value.value)?;
                optional(f, " ON ", on.as_ref())?;
                let Some((change, pvalue)) = outputs else { return Ok(()) };
                optional(f, " AS ", Some(change))?;
                optional(f, ", ", Some(pvalue))
            }
            Self::Completion { target, prompt, options } => {
                f.write_str("COMPLETION ")?;
                assigned(f, target.as_ref())?;
                expression(f, &prompt.value, Binding::Operand)?;
                with_options(f, options)
            }
            Self::Rerank { target, query, on, options } => {
                f.write_str("RERANK ")?;
                assigned(f, target.as_ref())?;
                write!(f, "{} ON ", query.value)?;
                listed(f, on)?;
                with_options(f, options)
            }
            Self::Fork(branches) => {
                f.write_str("FORK")?;
                for branch in branches {
                    f.write_str(" (")?;
                    for (index, command) in branch.iter().enumerate() {
                        write!(f, "{}{}", if index > 0 { " | " } else { "" }, command.value)?;
                    }
                    f.write_char(')')?;
                }
                Ok(())
            }
            Self::Fuse { method, score_by, group_by, key_by, options } => {
                f.write_str("FUSE")?;
                if let Some(method) = method {
                    f.write_char(' ')?;
                    word(f, &method.value)?;
                }
                optional(f, " SCORE BY ", score_by.as_ref())?;
                optional(f, " GROUP BY ", group_by.as_ref())?;
                for (index, name) in key_by.iter().enumerate() {
                    optional(f, if index > 0 { ", " } else { " KEY BY " }, Some(name))?;
                }
                with_options(f, options)
            }
            Self::Sample(share) => write!(f, "SAMPLE {}", share.value),
            Self::Other(other) => other.fmt(f),
            Self::Invalid => f.write_str("<invalid>"),
        }
    }
}

impl Display for OtherCommand {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(self.name)?;
        if self.text.is_empty() { Ok(()) } else { write!(f, " {}", self.text) }
    }
}

impl Display for Stats {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if !self.aggregates.is_empty() {
            f.write_char(' ')?;
            listed(f, &self.aggregates)?;
        }
        if !self.by.is_empty() {
            f.write_str(" BY ")?;
            listed(f, &self.by)?;
        }
        Ok(())
    }
}

impl Display for Aggregate {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.field.fmt(f)?;
        self.filter.iter().try_for_each(|filter| write!(f, " WHERE {}", filter.value))
    }
}

impl Display for Field {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        assigned(f, self.name.as_ref())?;
        self.value.value.fmt(f)
    }
}

impl Display for Renaming {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        dotted(f, &self.old.value)?;
        optional(f, " AS ", Some(&self.new))
    }
}

impl Display for SortKey {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.value.value.fmt(f)?;
        if self.order == SortOrder::Descending {
            f.write_str(" DESC")?;
        }
        match self.nulls {
            nulls if nulls == self.order.default_nulls() => Ok(()),
            NullsOrder::First => f.write_str(" NULLS FIRST"),
            NullsOrder::Last => f.write_str(" NULLS LAST"),
        }
    }
}

impl Display for EnrichField {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        assigned(f, self.name.as_ref())?;
        dotted(f, &self.field.value)
    }
}

fn with_options(f: &mut Formatter<'_>, options: &[OptionEntry]) -> Result {
    if options.is_empty() {
        return Ok(());
    }
    f.write_str(" WITH ")?;
    map(f, options)
}

/// `before name`
fn optional(f: &mut Formatter<'_>, before: &str, name: Option<&Spanned<String>>) -> Result {
    let Some(name) = name else { return Ok(()) };
    f.write_str(before)?;
    dotted(f, &name.value)
}

/// `name = `
fn assigned(f: &mut Formatter<'_>, name: Option<&Spanned<String>>) -> Result {
    let Some(name) = name else { return Ok(()) };
    dotted(f, &name.value)?;
    f.write_str(" = ")
}

fn is_plain_policy(name: &str) -> bool {
    let plain = |part: &str| {
        is_plain_source(part)
            && part.chars().all(|next| next.is_ascii_alphanumeric() || "_-.*".contains(next))
    };
    match name.split_once(':') {
        Some((mode, name)) => plain(mode) && plain(name),
        None => plain(name),
    }
}
