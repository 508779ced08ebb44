//! TOP: the first values of a group in a given order, repetitions included.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::Accumulator;
use query::esql::ast::Literal;

use super::encoding::Encoding;
use super::{Aggregate, AggregateCall, Aggregated};
use crate::function::kind::{as_lists, own_values};
use crate::lower::Refused;

pub(crate) const AGGREGATES: &[Aggregate] = &[Aggregate { names: &["top"], check: top }];

/// `TOP(field, limit, "asc" or "desc", output)`: the first values of the field, or, with an output field, its values
/// beside these. Equal values stand in the order of their outputs.
fn top(call: &mut AggregateCall<'_, '_>) -> Result<Aggregated, Refused> {
    call.arity(2..=4)?;
    call.ordered_value(0)?;
    let limit = match call.constant_integer(1)? {
        limit @ 1.. => usize::try_from(limit).unwrap_or(usize::MAX),
        _ => {
            let operand = call.args[1].clone();
            return call.wrong_type(&operand, "a limit above 0");
        }
    };
    let descending = match call.args.get(2).map(|operand| operand.literal.clone()) {
        None => false,
        Some(Some(Literal::Text(order))) if order.eq_ignore_ascii_case("asc") => false,
        Some(Some(Literal::Text(order))) if order.eq_ignore_ascii_case("desc") => true,
        Some(_) => {
            let operand = call.args[2].clone();
            return call.wrong_type(&operand, "an order \"asc\" or \"desc\"");
        }
    };
    let field = call.args[0].clone();
    let output = call.args.get(3).unwrap_or(&field).clone();
    let data_type = if call.args.len() == 4 { call.ordered_value(3)? } else { call.ordered_value(0)? };
    let encodings = [Encoding::new(field.data_type.arrow()), Encoding::new(output.data_type.arrow())];
    let [field_encoding, output_encoding] = encodings;
    let field_encoding = call.lowering.planned(field_encoding, call.span)?;
    let output_encoding = call.lowering.planned(output_encoding, call.span)?;
    let has_output = call.args.len() == 4;
    let state = vec![field.data_type.arrow_column(true), output.data_type.arrow_column(true)];
    let start = move || {
        Box::new(Top {
            limit,
            descending,
            has_output,
            encodings: [Arc::clone(&field_encoding), Arc::clone(&output_encoding)],
            values: BTreeMap::new(),
            count: 0,
            bytes: 0,
        }) as Box<dyn Accumulator>
    };
    let field = call.lowering.listed(field);
    let output = call.lowering.listed(output);
    let is_untyped = output.is_untyped;
    let computed = call.compute(vec![field.expr, output.expr], data_type, true, state, Arc::new(start));
    Ok(Aggregated { is_untyped, ..computed })
}

/// A value and its output, which is the value itself when there is no output field.
type Entry = (Box<[u8]>, Box<[u8]>);

#[derive(Debug)]
struct Top {
    limit: usize,
    descending: bool,
    has_output: bool,
    encodings: [Arc<Encoding>; 2],
    /// The best entries, and how often each is there.
    values: BTreeMap<Entry, usize>,
    /// Entries with their repetitions, no more than the limit.
    count: usize,
    bytes: usize,
}

impl Top {
    fn add(&mut self, value: &[u8], output: &[u8]) {
        if self.count >= self.limit {
            let worst =
                if self.descending { self.values.first_key_value() } else { self.values.last_key_value() };
            let is_no_better = worst.is_some_and(|((worst_value, worst_output), _)| {
                let order = (value, output).cmp(&(worst_value.as_ref(), worst_output.as_ref()));
                if self.descending { order.is_le() } else { order.is_ge() }
            });
            if is_no_better {
                return;
            }
            let worst = if self.descending { self.values.first_entry() } else { self.values.last_entry() };
            if let Some(mut worst) = worst {
                self.count -= 1;
                self.bytes -= worst.key().0.len() + worst.key().1.len();
                *worst.get_mut() -= 1;
                if *worst.get() == 0 {
                    worst.remove();
                }
            }
        }
        self.count += 1;
        self.bytes += value.len() + output.len();
        *self.values.entry((value.into(), output.into())).or_default() += 1;
    }

    /// The entries with their repetitions, best first.
    fn entries(&self) -> Vec<&Entry> {
        let repeated = |(entry, count): (_, &usize)| std::iter::repeat_n(entry, *count);
        let entries = self.values.iter();
        if self.descending {
            entries.rev().flat_map(repeated).collect()
        } else {
            entries.flat_map(repeated).collect()
        }
    }

    /// Adds what the lists of each row hold: every value with every output, or, when they belong together, in pairs.
    fn add_lists(&mut self, lists: &[ArrayRef], are_pairs: bool) -> Result<()> {
        let [fields, outputs] = [as_lists(&lists[0])?, as_lists(&lists[1])?];
        let (field_values, first_field) = own_values(fields);
        let (output_values, first_output) = own_values(outputs);
        let field_rows = self.encodings[0].encode(&field_values)?;
        let output_rows = self.encodings[1].encode(&output_values)?;
        for row in 0..fields.len() {
            if fields.is_null(row) || outputs.is_null(row) {
                continue;
            }
            let range = |offsets: &[i32], first: usize| {
                offsets[row] as usize - first..offsets[row + 1] as usize - first
            };
            let values = range(fields.value_offsets(), first_field);
            let outputs = range(outputs.value_offsets(), first_output);
            if are_pairs {
                for (value, output) in values.zip(outputs) {
                    self.add(field_rows.row(value).as_ref(), output_rows.row(output).as_ref());
                }
                continue;
            }
            for value in values {
                for output in outputs.clone() {
                    self.add(field_rows.row(value).as_ref(), output_rows.row(output).as_ref());
                }
            }
        }
        Ok(())
    }
}

impl Accumulator for Top {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.add_lists(values, !self.has_output)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.encodings[1].list(self.entries().into_iter().map(|(_, output)| output.as_ref()))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.bytes + self.values.len() * 2 * size_of::<Entry>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let entries = self.entries();
        let values = self.encodings[0].list(entries.iter().map(|(value, _)| value.as_ref()))?;
        let outputs = self.encodings[1].list(entries.iter().map(|(_, output)| output.as_ref()))?;
        Ok(vec![values, outputs])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.add_lists(states, true)
    }
}
