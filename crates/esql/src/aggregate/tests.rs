//! Every aggregate against a slow one, and over input that was split in two and merged.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, RecordBatch};
use datafusion::arrow::compute::concat;
use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::execution_props::ExecutionProps;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Accumulator, AggregateUDF};
use datafusion::physical_expr::create_physical_expr;
use proptest::prelude::*;
use query::Span;
use query::esql::ast::Literal;

use super::{AggregateCall, find};
use crate::DataType;
use crate::function::kind::{Double, Integer, Kind, Long, Text, collect_lists};
use crate::lower::{Lowering, by_id};
use crate::operand::Operand;
use crate::source::Fields;

/// The values of the rows of a group, and what each row is sorted by.
type Rows = Vec<(Vec<i16>, Option<i8>)>;

/// A column of values in one of the types.
fn column(rows: &Rows, data_type: DataType) -> ArrayRef {
    let values = || rows.iter().map(|(values, _)| values.iter());
    match data_type {
        DataType::Integer => {
            collect_lists::<Integer>(values().map(|row| row.map(|x| i32::from(*x)).collect()))
        }
        DataType::Long => collect_lists::<Long>(values().map(|row| row.map(|x| i64::from(*x)).collect())),
        DataType::Double => {
            collect_lists::<Double>(values().map(|row| row.map(|x| f64::from(*x) / 4.0).collect()))
        }
        _ => collect_lists::<Text>(values().map(|row| row.map(|x| text_of(*x)).collect())),
    }
}

/// A text that stands in the order of its number.
fn text_of(number: i16) -> String {
    format!("{:05}", i32::from(number) + 40_000)
}

/// An aggregate of the column `v`, or of `v` and `s`, with constants after that.
fn accumulator(
    name: &str,
    data_type: DataType,
    constants: &[Literal],
    batches: &[Rows],
) -> Box<dyn Accumulator> {
    let fields = BTreeMap::new();
    let fields = Fields::Exactly(&fields);
    let mut lowering = Lowering::new("", &fields);
    let span = Span::new(0, 0);
    let mut args = vec![Operand::many(by_id("v"), data_type, span)];
    if ["first", "last"].contains(&name) {
        args.push(Operand::single(by_id("s"), DataType::Long, span));
    }
    for constant in constants {
        args.push(lowering.literal(constant, span).unwrap());
    }
    let found = find(name).unwrap();
    let mut call = AggregateCall { lowering: &mut lowering, name: found.names[0], args, span };
    let computed = (found.check)(&mut call).unwrap();
    let schema = Schema::new(vec![
        Field::new("v", data_type.arrow_column(true), true),
        Field::new("s", DataType::Long.arrow(), true),
    ]);
    let planned = DFSchema::try_from(schema.clone()).unwrap();
    let arrays = |rows: &Rows| -> Vec<ArrayRef> {
        let sorts = Long::collect(rows.iter().map(|(_, sort)| sort.map(i64::from)));
        let batch =
            RecordBatch::try_new(Arc::new(schema.clone()), vec![column(rows, data_type), sorts]).unwrap();
        let evaluate = |arg| {
            let arg = create_physical_expr(
                arg,
                &planned,
                &ExecutionProps::new(),
                &PhysicalPlanningContext::default(),
            )
            .unwrap();
            arg.evaluate(&batch).unwrap().into_array(rows.len()).unwrap()
        };
        computed.args.iter().map(evaluate).collect()
    };
    let start = || start(&computed.function);
    let mut parts = batches.iter().map(|rows| {
        let mut part = start();
        part.update_batch(&arrays(rows)).unwrap();
        part
    });
    let Some(only) = parts.next().filter(|_| batches.len() == 1) else {
        let states: Vec<Vec<ArrayRef>> = batches
            .iter()
            .map(|rows| {
                let mut part = start();
                part.update_batch(&arrays(rows)).unwrap();
                part.state().unwrap().iter().map(|state| state.to_array().unwrap()).collect()
            })
            .collect();
        let mut whole = start();
        let columns: Vec<ArrayRef> = (0..states[0].len())
            .map(|column| {
                let of_parts: Vec<&dyn Array> = states.iter().map(|state| state[column].as_ref()).collect();
                concat(&of_parts).unwrap()
            })
            .collect();
        whole.merge_batch(&columns).unwrap();
        assert!(whole.size() >= size_of_val(&*whole));
        return whole;
    };
    only
}

fn start(function: &AggregateUDF) -> Box<dyn Accumulator> {
    let schema = Schema::empty();
    let field = Arc::new(Field::new("result", function.return_type(&[]).unwrap(), true));
    let args = AccumulatorArgs {
        return_field: Arc::clone(&field),
        schema: &schema,
        ignore_nulls: false,
        order_bys: &[],
        is_reversed: false,
        name: "result",
        is_distinct: false,
        exprs: &[],
        expr_fields: &[],
    };
    let mut accumulator = function.accumulator(args).unwrap();
    let fields = function
        .state_fields(StateFieldsArgs {
            name: "result",
            input_fields: &[],
            return_field: Arc::clone(&field),
            ordering_fields: &[],
            is_distinct: false,
        })
        .unwrap();
    let state = accumulator.state().unwrap();
    let types: Vec<_> = state.iter().map(ScalarValue::data_type).collect();
    let planned: Vec<_> = fields.iter().map(|field| field.data_type().clone()).collect();
    assert_eq!(types, planned, "{}", function.name());
    assert_eq!(accumulator.evaluate().unwrap().data_type(), *field.data_type(), "{}", function.name());
    accumulator
}

/// The result as numbers; texts as the number that they were made of.
fn numbers(value: &ScalarValue) -> Vec<f64> {
    match value {
        ScalarValue::List(list) => (0..list.len())
            .filter(|row| list.is_valid(*row))
            .flat_map(|row| {
                let values = list.value(row);
                (0..values.len())
                    .flat_map(|at| numbers(&ScalarValue::try_from_array(&values, at).unwrap()))
                    .collect::<Vec<_>>()
            })
            .collect(),
        ScalarValue::Boolean(value) => value.iter().map(|value| f64::from(u8::from(*value))).collect(),
        ScalarValue::Int32(value) => value.iter().map(|value| f64::from(*value)).collect(),
        ScalarValue::Int64(value) => value.iter().map(|value| *value as f64).collect(),
        ScalarValue::Float64(value) => value.iter().copied().collect(),
        ScalarValue::Utf8(value) => {
            value.iter().map(|value| value.parse::<f64>().unwrap() - 40_000.0).collect()
        }
        other => panic!("{other:?}"),
    }
}

/// What an aggregate gives, computed the long way.
fn slowly(name: &str, rows: &Rows, scale: f64) -> Vec<f64> {
    let mut all: Vec<f64> =
        rows.iter().flat_map(|(values, _)| values.iter().map(|x| f64::from(*x) * scale)).collect();
    all.sort_by(f64::total_cmp);
    let count = all.len() as f64;
    let sum: f64 = all.iter().sum();
    let some = |value: f64| if all.is_empty() { Vec::new() } else { vec![value] };
    let mut distinct = all.clone();
    distinct.dedup();
    let variance = all.iter().map(|x| (x - sum / count).powi(2)).sum::<f64>() / count;
    let median = |sorted: &[f64]| {
        let middle = sorted.len() / 2;
        if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
    };
    let by_sort = |order: fn(i8, i8) -> bool| {
        let mut best: Option<&(Vec<i16>, Option<i8>)> = None;
        for row in rows {
            let wins = match (best.map(|best| best.1), row.1) {
                (None, _) | (Some(None), Some(_)) => true,
                (Some(Some(best)), Some(sort)) => order(sort, best),
                _ => false,
            };
            best = if wins { Some(row) } else { best };
        }
        best.map(|best| best.0.iter().map(|x| f64::from(*x) * scale).collect()).unwrap_or_default()
    };
    match name {
        "count" => vec![count],
        "present" => vec![f64::from(u8::from(!all.is_empty()))],
        "absent" => vec![f64::from(u8::from(all.is_empty()))],
        "values" => distinct,
        "count_distinct" => vec![distinct.len() as f64],
        "min" => all.first().copied().into_iter().collect(),
        "max" => all.last().copied().into_iter().collect(),
        "sum" => some(sum),
        "avg" => some(sum / count),
        "variance" => some(variance),
        "std_dev" => some(variance.sqrt()),
        "median" if all.is_empty() => Vec::new(),
        "median" => vec![median(&all)],
        "median_absolute_deviation" if all.is_empty() => Vec::new(),
        "median_absolute_deviation" => {
            let mut distances: Vec<f64> = all.iter().map(|x| (x - median(&all)).abs()).collect();
            distances.sort_by(f64::total_cmp);
            vec![median(&distances)]
        }
        "top" => all.iter().rev().take(3).copied().collect(),
        "first" => by_sort(|sort, best| sort < best),
        "last" => by_sort(|sort, best| sort > best),
        other => panic!("{other}"),
    }
}

const OF_ANY: [&str; 10] =
    ["count", "present", "absent", "values", "count_distinct", "min", "max", "top", "first", "last"];
const OF_NUMBERS: [&str; 6] = ["sum", "avg", "variance", "std_dev", "median", "median_absolute_deviation"];

fn rows() -> impl Strategy<Value = Rows> {
    let value = prop_oneof![-3..4_i16, any::<i16>()];
    prop::collection::vec((prop::collection::vec(value, 0..4), prop::option::of(-2..3_i8)), 0..12)
}

proptest! {
    #[test]
    fn as_the_slow_one_and_split_as_whole(rows in rows(), cut in any::<prop::sample::Index>()) {
        let cut = cut.index(rows.len() + 1);
        for (data_type, scale) in [
            (DataType::Integer, 1.0),
            (DataType::Long, 1.0),
            (DataType::Double, 0.25),
            (DataType::Keyword, 1.0),
        ] {
            let names = OF_ANY.iter().chain(OF_NUMBERS.iter().filter(|_| data_type != DataType::Keyword));
            for name in names {
                let constants = match *name {
                    "top" => vec![Literal::Integer(3), Literal::Text("desc".to_owned())],
                    _ => Vec::new(),
                };
                let whole = accumulator(name, data_type, &constants, std::slice::from_ref(&rows)).evaluate().unwrap();
                let halves = [rows[..cut].to_vec(), rows[cut..].to_vec()];
                let merged = accumulator(name, data_type, &constants, &halves).evaluate().unwrap();
                let expected = slowly(name, &rows, scale);
                for (what, found) in [("whole", numbers(&whole)), ("merged", numbers(&merged))] {
                    prop_assert_eq!(found.len(), expected.len(), "{} {} {:?} {:?}", what, name, data_type, found);
                    for (found, expected) in found.iter().zip(&expected) {
                        let is_close = (found - expected).abs() <= 1e-9 * expected.abs().max(1.0);
                        prop_assert!(is_close, "{} {} {:?}: {} for {}", what, name, data_type, found, expected);
                    }
                }
            }
        }
    }
}

#[test]
fn many_values_of_one_group_take_linear_time() {
    let rows: Rows = (0..30_000).map(|at| (vec![(at % 20_000) as i16], None)).collect();
    let mut values = accumulator("values", DataType::Keyword, &[], std::slice::from_ref(&rows));
    assert_eq!(numbers(&values.evaluate().unwrap()).len(), 20_000);
    assert!(values.size() > 20_000 * 5);
}
