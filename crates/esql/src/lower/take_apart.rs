//! DISSECT and GROK: texts taken apart into new columns.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, StructArray};
use datafusion::arrow::datatypes::{DataType as ArrowType, Field, Fields as ArrowFields};
use datafusion::common::{Result as PlanResult, exec_err};
use query::esql::ast::Expr;
use query::{Diagnostic, Span, Spanned};

use super::{Lowering, Piped, Refused, by_id};
use crate::DataType;
use crate::function::ArrayFunction;
use crate::function::kind::{
    Bool, Double, Integer, Long, Text, as_kind, as_lists, collect_lists, list_values,
};
use crate::operand::Operand;
use crate::pattern::{Dissect, Grok, GrokFailure, GrokKind, GrokValue};

/// Takes one text apart: for each new column its values. `None` where it does not fit; an error is a warning.
type TakeApart = Arc<dyn Fn(&str) -> Result<Option<Vec<Vec<Part>>>, &'static str> + Send + Sync>;

/// A value of a new column.
#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(String),
    Integer(i32),
    Long(i64),
    Double(f64),
    Boolean(bool),
}

impl Lowering<'_> {
    /// New columns from the parts of a text, all null where it does not fit the pattern. Of several texts each that
    /// fits gives its parts.
    pub(crate) fn dissect(
        &mut self,
        input: &Spanned<Expr>,
        pattern: &Spanned<String>,
        append_separator: Option<&Spanned<String>>,
        piped: Piped,
    ) -> Result<Piped, Refused> {
        let separator = append_separator.map_or("", |separator| &separator.value);
        let dissect = match Dissect::parse(&pattern.value, separator) {
            Ok(dissect) => dissect,
            Err(diagnostic) => return self.refuse_pattern(diagnostic, pattern),
        };
        let columns = dissect.keys().iter().map(|key| (key.clone(), DataType::Keyword)).collect();
        let take_apart = move |text: &str| {
            let parts = dissect.apply(text);
            Ok(parts.map(|parts| parts.into_iter().map(|part| vec![Part::Text(part.into_owned())]).collect()))
        };
        self.take_apart("dissect", input, columns, Arc::new(take_apart), piped)
    }

    /// New columns from what the first pattern that fits finds in a text, all null where none does. Of several texts
    /// each that fits gives its parts; so does each group of a name that several have.
    pub(crate) fn grok(
        &mut self,
        input: &Spanned<Expr>,
        patterns: &[Spanned<String>],
        piped: Piped,
    ) -> Result<Piped, Refused> {
        let texts: Vec<&str> = patterns.iter().map(|pattern| pattern.value.as_str()).collect();
        let grok = match Grok::parse(&texts) {
            Ok(grok) => grok,
            Err(fault) => {
                let Some(pattern) = patterns.get(fault.pattern) else { return Err(Refused) };
                return self.refuse_pattern(fault.diagnostic, pattern);
            }
        };
        let column = |kind| match kind {
            GrokKind::Keyword => DataType::Keyword,
            GrokKind::Integer => DataType::Integer,
            GrokKind::Long => DataType::Long,
            GrokKind::Float | GrokKind::Double => DataType::Double,
            GrokKind::Boolean => DataType::Boolean,
        };
        let columns = grok.fields().iter().map(|field| (field.name.clone(), column(field.kind))).collect();
        let part = |value: GrokValue<'_>| match value {
            GrokValue::Keyword(text) => Part::Text(text.to_owned()),
            GrokValue::Integer(number) => Part::Integer(number),
            GrokValue::Long(number) => Part::Long(number),
            GrokValue::Double(number) => Part::Double(number),
            GrokValue::Boolean(value) => Part::Boolean(value),
        };
        let take_apart = move |text: &str| match grok.apply(text) {
            Ok(found) => Ok(found.map(|columns| {
                columns.into_iter().map(|values| values.into_iter().map(part).collect()).collect()
            })),
            Err(GrokFailure::Conversion { .. }) => Err("a part of a text that is not of its type"),
            Err(GrokFailure::Search(_)) => Err("a search for a pattern that was given up"),
        };
        self.take_apart("grok", input, columns, Arc::new(take_apart), piped)
    }

    fn take_apart(
        &mut self,
        name: &'static str,
        input: &Spanned<Expr>,
        columns: Vec<(String, DataType)>,
        take_apart: TakeApart,
        piped: Piped,
    ) -> Result<Piped, Refused> {
        let span = input.span;
        let operand = self.expression(input, &piped.scope)?;
        let text = match self.coerce(operand, DataType::Keyword) {
            Ok(operand) => self.listed(operand),
            Err(operand) => {
                let message = format!(
                    "{} takes text apart, and this is {}",
                    name.to_ascii_uppercase(),
                    operand.data_type.name()
                );
                return self.refuse(Diagnostic::error("esql::not-text", message).at(span));
            }
        };
        // All parts are found once, in a column of structs, and read from there.
        let types: Vec<DataType> = columns.iter().map(|(_, data_type)| *data_type).collect();
        let fields: ArrowFields = types
            .iter()
            .enumerate()
            .map(|(at, data_type)| Field::new(format!("part{at}"), data_type.arrow_column(true), true))
            .collect();
        let counter = self.warnings.counter(span);
        let returns = ArrowType::Struct(fields.clone());
        let number = self.next_number();
        let body = move |args: &[ArrayRef], rows: usize| -> PlanResult<ArrayRef> {
            let lists = as_lists(&args[0])?;
            let texts = as_kind::<Text>(lists.values())?;
            let mut found: Vec<Vec<Vec<Part>>> = vec![Vec::with_capacity(rows); types.len()];
            for row in 0..rows {
                found.iter_mut().for_each(|column| column.push(Vec::new()));
                for text in list_values::<Text>(lists, texts, row) {
                    match take_apart(text) {
                        Ok(Some(parts)) => {
                            for (column, parts) in found.iter_mut().zip(parts) {
                                column[row].extend(parts);
                            }
                        }
                        Ok(None) => {}
                        Err(reason) => counter.add(reason, 1),
                    }
                }
            }
            let arrays =
                found.into_iter().zip(&types).map(|(rows, data_type)| column_of(rows, *data_type)).collect();
            Ok(Arc::new(StructArray::try_new_with_length(fields.clone(), arrays, None, rows)?))
        };
        let parts = self.next_id();
        let expr = ArrayFunction::call(name, number, returns, vec![text.expr], Arc::new(body)).alias(&parts);
        let mut exprs = piped.carried();
        exprs.push(expr);
        let plan = self.planned(piped.plan.project(exprs), span)?;
        let piped = Piped { plan, ..piped };
        let columns = columns
            .into_iter()
            .enumerate()
            .map(|(at, (column, data_type))| {
                let body = move |args: &[ArrayRef], _: usize| match args[0].as_struct_opt() {
                    Some(parts) => Ok(Arc::clone(parts.column(at))),
                    None => exec_err!("{} where parts were planned", args[0].data_type()),
                };
                let returns = data_type.arrow_column(true);
                let expr = ArrayFunction::call("part", at + 1, returns, vec![by_id(&parts)], Arc::new(body));
                (column, Operand::many(expr, data_type, span))
            })
            .collect();
        self.add_columns(piped, columns, span)
    }

    /// Says what is wrong with a pattern, at its place within the text of the query.
    fn refuse_pattern<T>(
        &mut self,
        mut diagnostic: Diagnostic,
        pattern: &Spanned<String>,
    ) -> Result<T, Refused> {
        let written = self.text.get(pattern.span.start..pattern.span.end).unwrap_or_default();
        // A pattern with escapes is longer as it is written: then its beginning is the best place there is.
        let within = written.find(pattern.value.as_str()).map(|at| pattern.span.start + at);
        diagnostic.span = Some(match (diagnostic.span, within) {
            (Some(span), Some(start)) => Span::new(start + span.start, start + span.end),
            _ => pattern.span,
        });
        self.refuse(diagnostic)
    }
}

fn column_of(rows: Vec<Vec<Part>>, data_type: DataType) -> ArrayRef {
    match data_type {
        DataType::Integer => collect_lists::<Integer>(rows.into_iter().map(|parts| {
            parts
                .into_iter()
                .filter_map(|part| if let Part::Integer(value) = part { Some(value) } else { None })
                .collect()
        })),
        DataType::Long => collect_lists::<Long>(rows.into_iter().map(|parts| {
            parts
                .into_iter()
                .filter_map(|part| if let Part::Long(value) = part { Some(value) } else { None })
                .collect()
        })),
        DataType::Double => collect_lists::<Double>(rows.into_iter().map(|parts| {
            parts
                .into_iter()
                .filter_map(|part| if let Part::Double(value) = part { Some(value) } else { None })
                .collect()
        })),
        DataType::Boolean => collect_lists::<Bool>(rows.into_iter().map(|parts| {
            parts
                .into_iter()
                .filter_map(|part| if let Part::Boolean(value) = part { Some(value) } else { None })
                .collect()
        })),
        _ => collect_lists::<Text>(rows.into_iter().map(|parts| {
            parts
                .into_iter()
                .filter_map(|part| if let Part::Text(value) = part { Some(value) } else { None })
                .collect()
        })),
    }
}
