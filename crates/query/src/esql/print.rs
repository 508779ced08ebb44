//! An ES|QL tree as text, with the fewest parentheses that keep it the same tree.

use std::fmt::{Display, Formatter, Result, Write};

use super::ast::{
    Aggregate, ArithmeticOp, Command, EnrichField, Expr, Field, From, FromItem, IndexPattern, LikeOp,
    Literal, NamePart, NamePattern, NullsOrder, OptionEntry, OptionValue, OtherCommand, Query, Renaming,
    Setting, SortKey, SortOrder, Source, Stats, TimeSpan,
};
use super::operand::TIME_UNITS;
use super::token::{is_plain_name, is_plain_pattern, is_plain_source};
use crate::Spanned;
use crate::ql::name::{backquoted, write_dotted};
use crate::ql::text::write_text;

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

impl Display for NamePattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        // The pieces of each part between dots.
        let mut parts: Vec<Vec<NamePart>> = vec![Vec::new()];
        for piece in &self.parts {
            match piece {
                NamePart::Any => {
                    if let Some(part) = parts.last_mut() {
                        part.push(NamePart::Any);
                    }
                }
                NamePart::Text(text) => {
                    for (index, text) in text.split('.').enumerate() {
                        if index > 0 {
                            parts.push(Vec::new());
                        }
                        if let Some(part) = parts.last_mut().filter(|_| !text.is_empty()) {
                            part.push(NamePart::Text(text.to_owned()));
                        }
                    }
                }
            }
        }
        if parts.iter().any(Vec::is_empty) {
            return self.parts.iter().try_for_each(|piece| match piece {
                NamePart::Any => f.write_char('*'),
                NamePart::Text(text) => f.write_str(&backquoted(text)),
            });
        }
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                f.write_char('.')?;
            }
            let bare: String = part
                .iter()
                .map(|piece| match piece {
                    NamePart::Any => "*",
                    NamePart::Text(text) => text,
                })
                .collect();
            let has_star =
                part.iter().any(|piece| matches!(piece, NamePart::Text(text) if text.contains('*')));
            if is_plain_pattern(&bare) && !has_star {
                f.write_str(&bare)?;
                continue;
            }
            for piece in part {
                match piece {
                    NamePart::Any => f.write_char('*')?,
                    NamePart::Text(text) => f.write_str(&backquoted(text))?,
                }
            }
        }
        Ok(())
    }
}

/// Parses back to an equal tree when it stands after `WHERE`.
impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        expression(f, self, Binding::Or)
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Bool(true) => f.write_str("TRUE"),
            Self::Bool(false) => f.write_str("FALSE"),
            Self::Integer(value) => write!(f, "{value}"),
            Self::UnsignedLong(value) => write!(f, "{value}"),
            Self::Double(value) => write!(f, "{value:?}"),
            Self::Text(value) => text(f, value),
            Self::TimeSpan(span) => span.fmt(f),
            Self::List(items) => {
                f.write_char('[')?;
                listed(f, items.iter().map(|item| &item.value))?;
                f.write_char(']')
            }
        }
    }
}

impl Display for TimeSpan {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let words =
            TIME_UNITS.iter().find(|(unit, _)| *unit == self.unit).map_or(&[][..], |(_, words)| *words);
        let word = if self.count == 1 { words.first() } else { words.get(1) };
        write!(f, "{} {}", self.count, word.copied().unwrap_or_default())
    }
}

impl Display for OptionValue {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Literal(literal) => literal.fmt(f),
            Self::Map(entries) => map(f, entries),
        }
    }
}

impl Display for OptionEntry {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        text(f, &self.key.value)?;
        write!(f, ": {}", self.value.value)
    }
}

impl Display for LikeOp {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Self::Like => "LIKE",
            Self::Rlike => "RLIKE",
        })
    }
}

/// How tightly a node holds together, loosest first.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Binding {
    Or,
    And,
    Not,
    /// `value IN (…)`, `value IS NULL`, `value : "…"`
    Predicate,
    Compare,
    Sum,
    Product,
    Sign,
    Operand,
}

fn binding(node: &Expr) -> Binding {
    match node {
        Expr::Or(_) => Binding::Or,
        Expr::And(_) => Binding::And,
        Expr::Not(_) => Binding::Not,
        Expr::Like { .. } | Expr::In { .. } | Expr::IsNull { .. } | Expr::Match { .. } => Binding::Predicate,
        Expr::Compare { .. } => Binding::Compare,
        Expr::Arithmetic { op: ArithmeticOp::Add | ArithmeticOp::Subtract, .. } => Binding::Sum,
        Expr::Arithmetic { .. } => Binding::Product,
        Expr::Negate(_) => Binding::Sign,
        Expr::Cast { .. }
        | Expr::Call { .. }
        | Expr::Column(_)
        | Expr::Literal(_)
        | Expr::Parameter(_)
        | Expr::Star
        | Expr::Invalid => Binding::Operand,
    }
}

/// In parentheses when it holds less tightly than `least`.
fn expression(f: &mut Formatter<'_>, node: &Expr, least: Binding) -> Result {
    if binding(node) < least {
        f.write_char('(')?;
        bare(f, node)?;
        f.write_char(')')
    } else {
        bare(f, node)
    }
}

fn bare(f: &mut Formatter<'_>, node: &Expr) -> Result {
    match node {
        Expr::Or(any) => joined(f, any, " OR ", Binding::And),
        Expr::And(all) => joined(f, all, " AND ", Binding::Not),
        Expr::Not(inner) => {
            f.write_str("NOT ")?;
            expression(f, &inner.value, Binding::Not)
        }
        Expr::Compare { op, left, right } => {
            expression(f, &left.value, Binding::Sum)?;
            write!(f, " {op} ")?;
            expression(f, &right.value, Binding::Sum)
        }
        Expr::Like { op, value, patterns, negated } => {
            expression(f, &value.value, Binding::Sum)?;
            write!(f, " {}{op} ", if *negated { "NOT " } else { "" })?;
            if let [pattern] = patterns.as_slice() {
                return text(f, &pattern.value);
            }
            f.write_char('(')?;
            texts(f, patterns)?;
            f.write_char(')')
        }
        Expr::In { value, list, negated } => {
            expression(f, &value.value, Binding::Sum)?;
            f.write_str(if *negated { " NOT IN (" } else { " IN (" })?;
            joined(f, list, ", ", Binding::Compare)?;
            f.write_char(')')
        }
        Expr::IsNull { value, negated } => {
            expression(f, &value.value, Binding::Sum)?;
            f.write_str(if *negated { " IS NOT NULL" } else { " IS NULL" })
        }
        Expr::Match { field, cast, query } => {
            dotted(f, &field.value)?;
            if let Some(cast) = cast {
                f.write_str("::")?;
                word(f, &cast.value)?;
            }
            write!(f, " : {}", query.value)
        }
        Expr::Arithmetic { op, left, right } => {
            let (own, next) = match binding(node) {
                Binding::Sum => (Binding::Sum, Binding::Product),
                _ => (Binding::Product, Binding::Sign),
            };
            expression(f, &left.value, own)?;
            write!(f, " {op} ")?;
            expression(f, &right.value, next)
        }
        Expr::Negate(inner) => {
            f.write_char('-')?;
            // The sign would become part of the number.
            let begins_with_digit = begins_with_digit(&inner.value);
            if begins_with_digit {
                f.write_char('(')?;
            }
            expression(f, &inner.value, Binding::Sign)?;
            f.write_str(if begins_with_digit { ")" } else { "" })
        }
        Expr::Cast { value, to } => {
            expression(f, &value.value, Binding::Operand)?;
            f.write_str("::")?;
            word(f, &to.value)
        }
        Expr::Call { function, args, options } => {
            let name = function.value.as_str();
            if ["first", "last"].iter().any(|known| known.eq_ignore_ascii_case(name)) {
                f.write_str(name)?;
            } else {
                word(f, name)?;
            }
            f.write_char('(')?;
            joined(f, args, ", ", Binding::Or)?;
            if let Some(options) = options {
                f.write_str(", ")?;
                map(f, options)?;
            }
            f.write_char(')')
        }
        Expr::Column(name) => dotted(f, name),
        Expr::Literal(literal) => literal.fmt(f),
        Expr::Parameter(name) => write!(f, "?{name}"),
        Expr::Star => f.write_char('*'),
        Expr::Invalid => f.write_str("<invalid>"),
    }
}

fn begins_with_digit(node: &Expr) -> bool {
    match node {
        Expr::Cast { value, .. } => begins_with_digit(&value.value),
        Expr::Literal(Literal::Integer(value)) => *value >= 0,
        Expr::Literal(Literal::UnsignedLong(_)) => true,
        Expr::Literal(Literal::Double(value)) => value.is_sign_positive(),
        Expr::Literal(Literal::TimeSpan(span)) => span.count >= 0,
        _ => false,
    }
}

fn joined(f: &mut Formatter<'_>, nodes: &[Spanned<Expr>], separator: &str, least: Binding) -> Result {
    for (index, node) in nodes.iter().enumerate() {
        if index > 0 {
            f.write_str(separator)?;
        }
        expression(f, &node.value, least)?;
    }
    Ok(())
}

/// With commas between.
fn listed<T: Display>(f: &mut Formatter<'_>, items: impl IntoIterator<Item = T>) -> Result {
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        item.fmt(f)?;
    }
    Ok(())
}

fn texts(f: &mut Formatter<'_>, items: &[Spanned<String>]) -> Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        text(f, &item.value)?;
    }
    Ok(())
}

fn map(f: &mut Formatter<'_>, entries: &[OptionEntry]) -> Result {
    f.write_char('{')?;
    listed(f, entries)?;
    f.write_char('}')
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

/// A name whose parts are in backquotes where they must be.
fn dotted(f: &mut Formatter<'_>, name: &str) -> Result {
    write_dotted(f, name, is_plain_name)
}

/// A name of one word, in backquotes where it must be.
fn word(f: &mut Formatter<'_>, name: &str) -> Result {
    if is_plain_name(name, false) { f.write_str(name) } else { f.write_str(&backquoted(name)) }
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

fn text(f: &mut Formatter<'_>, text: &str) -> Result {
    write_text(f, text, |f, character| f.write_char(character))
}
