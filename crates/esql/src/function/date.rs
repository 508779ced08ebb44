//! Dates: arithmetic with lengths of time, and the functions over dates.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::array::TimestampMillisecondArray;
use query::esql::ast::{ArithmeticOp, Literal, TimeSpan};
use query::{Diagnostic, Span};

use super::argument::DateKind;
use super::kind::{Integer, Long, Millis, Nanos, Text};
use super::{ArrayFunction, Call, Function};
use crate::DataType;
use crate::lower::{Lowering, Refused};
use crate::operand::Operand;
use crate::value::date_difference::DifferenceUnit;
use crate::value::date_field::DateField;
use crate::value::date_format::DateFormat;
use crate::value::date_rounding::DateRounding;
use crate::value::{date_shift, time_span};

pub(crate) const FUNCTIONS: &[Function] = &[
    Function { names: &["date_diff"], check: date_diff },
    Function { names: &["date_extract"], check: date_extract },
    Function { names: &["date_format"], check: date_format },
    Function { names: &["date_parse"], check: date_parse },
    Function { names: &["date_trunc"], check: date_trunc },
    Function { names: &["day_name"], check: |call| named(call, "EEEE") },
    Function { names: &["month_name"], check: |call| named(call, "MMMM") },
    Function { names: &["now"], check: now },
];

impl Lowering<'_> {
    /// A date plus or minus a length of time, or two constant lengths of time.
    pub(crate) fn date_arithmetic(
        &mut self,
        op: ArithmeticOp,
        left: Operand,
        right: Operand,
        span: Span,
    ) -> Result<Operand, Refused> {
        let what = format!("{} {op} {}", left.data_type.name(), right.data_type.name());
        let (date, length) = match op {
            ArithmeticOp::Add if left.data_type.is_time_span() => (right, left),
            ArithmeticOp::Add | ArithmeticOp::Subtract => (left, right),
            _ => return self.no_such_arithmetic(&what, span),
        };
        if date.data_type.is_time_span() || date.is_null() && length.data_type.is_time_span() {
            return self.length_arithmetic(op, &date, &length, &what, span);
        }
        if !date.data_type.is_date() {
            return self.no_such_arithmetic(&what, span);
        }
        if length.is_null() {
            return Ok(Operand::null(date.data_type, span));
        }
        let Some(length) = length_of(&length) else { return self.no_such_arithmetic(&what, span) };
        let Some(length) = signed(op, length) else { return self.no_such_arithmetic(&what, span) };
        let date = self.single(date);
        let mut call =
            Call { lowering: self, name: "date_arithmetic", args: Vec::new(), options: None, span };
        Ok(if date.data_type == DataType::Date {
            call.map1::<Millis, Millis>(date.expr, DataType::Date, move |date| {
                date_shift::shift_millis(date, length).map(Some)
            })
        } else {
            call.map1::<Nanos, Nanos>(date.expr, DataType::DateNanos, move |date| {
                date_shift::shift_nanos(date, length).map(Some)
            })
        })
    }

    /// Two constant lengths of time of one kind; what is null stays null.
    fn length_arithmetic(
        &mut self,
        op: ArithmeticOp,
        left: &Operand,
        right: &Operand,
        what: &str,
        span: Span,
    ) -> Result<Operand, Refused> {
        if left.is_null() || right.is_null() {
            return Ok(Operand::null(DataType::Null, span));
        }
        let sum = match (length_of(left), length_of(right).and_then(|length| signed(op, length))) {
            (Some(left), Some(right)) => date_shift::add(left, right),
            _ => None,
        };
        let Some(sum) = sum else { return self.no_such_arithmetic(what, span) };
        self.literal(&Literal::TimeSpan(sum), span)
    }

    fn no_such_arithmetic(&mut self, what: &str, span: Span) -> Result<Operand, Refused> {
        let message = format!("there is no {what}");
        let diagnostic = Diagnostic::error("esql::date-arithmetic", message).at(span);
        self.refuse(diagnostic.help("a date takes + and - of a length of time such as 5 minutes"))
    }
}

fn signed(op: ArithmeticOp, length: TimeSpan) -> Option<TimeSpan> {
    if op == ArithmeticOp::Subtract { date_shift::negate(length) } else { Some(length) }
}

/// A constant length of time, also as text.
pub(super) fn length_of(operand: &Operand) -> Option<TimeSpan> {
    match &operand.literal {
        Some(Literal::TimeSpan(length)) => Some(*length),
        Some(Literal::Text(text)) => time_span::parse(text).ok(),
        _ => None,
    }
}

/// When the query runs.
fn now(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.arity(0..=0)?;
    let now = Arc::clone(&call.lowering.now);
    let body = move |_: &[ArrayRef], rows: usize| -> datafusion::common::Result<ArrayRef> {
        Ok(Arc::new(TimestampMillisecondArray::from_value(now.load(Ordering::Relaxed), rows)))
    };
    let number = call.lowering.next_number();
    let expr = ArrayFunction::call_anew(call.name, number, DataType::Date.arrow(), Arc::new(body));
    Ok(Operand::single(expr, DataType::Date, call.span))
}

/// A length of time, and a date that is rounded down to it.
fn date_trunc(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.arity(2..=2)?;
    let date = call.date(1)?;
    let Some(length) = length_of(&call.args[0]) else {
        let operand = call.args[0].clone();
        return call.wrong_type(0, &operand, "a constant length of time, for example 5 minutes");
    };
    round_date(call, 0, date, length)
}

/// Rounds a date down to a constant length of time, which is an argument.
pub(super) fn round_date(
    call: &mut Call<'_, '_>,
    index: usize,
    date: Operand,
    length: TimeSpan,
) -> Result<Operand, Refused> {
    match DateRounding::new(length) {
        Ok(rounding) => Ok(round_date_by(call, date, rounding)),
        Err(refusal) => call.refuse(index, "esql::constant", refusal.reason().to_owned()),
    }
}

/// Rounds a date down.
pub(super) fn round_date_by(call: &mut Call<'_, '_>, date: Operand, rounding: DateRounding) -> Operand {
    if date.data_type == DataType::Date {
        call.map1::<Millis, Millis>(date.expr, DataType::Date, move |date| {
            rounding.round_millis(date).map(Some)
        })
    } else {
        call.map1::<Nanos, Nanos>(date.expr, DataType::DateNanos, move |date| {
            rounding.round_nanos(date).map(Some)
        })
    }
}

/// A unit, and two dates.
fn date_diff(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.arity(3..=3)?;
    let (start, end) = (call.date(1)?, call.date(2)?);
    match (start.data_type, end.data_type) {
        (DataType::Date, DataType::Date) => date_diff_of::<Millis, Millis>(call, start, end),
        (DataType::Date, _) => date_diff_of::<Millis, Nanos>(call, start, end),
        (_, DataType::Date) => date_diff_of::<Nanos, Millis>(call, start, end),
        _ => date_diff_of::<Nanos, Nanos>(call, start, end),
    }
}

fn date_diff_of<A: DateKind, B: DateKind>(
    call: &mut Call<'_, '_>,
    start: Operand,
    end: Operand,
) -> Result<Operand, Refused> {
    let unit = call.text(0)?;
    if let Some(unit) = call.read_constant(0, DifferenceUnit::parse)? {
        return Ok(call.map2::<A, B, Integer>(
            [start.expr, end.expr],
            DataType::Integer,
            move |start, end| unit.between(A::nanos(start), B::nanos(end)).map(Some),
        ));
    }
    let args = [unit, start.expr, end.expr];
    Ok(call.map3::<Text, A, B, Integer>(args, DataType::Integer, |unit, start, end| {
        DifferenceUnit::parse(unit)?.between(A::nanos(start), B::nanos(end)).map(Some)
    }))
}

/// The name of a part, and a date.
fn date_extract(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.arity(2..=2)?;
    let (part, date) = (call.text(0)?, call.date(1)?);
    let part_known = call.read_constant(0, DateField::parse)?;
    let is_millis = date.data_type == DataType::Date;
    Ok(match (part_known, is_millis) {
        (Some(part), true) => {
            call.map1::<Millis, Long>(date.expr, DataType::Long, move |date| part.of_millis(date).map(Some))
        }
        (Some(part), false) => {
            call.map1::<Nanos, Long>(date.expr, DataType::Long, move |date| part.of_nanos(date).map(Some))
        }
        (None, true) => call.map2::<Text, Millis, Long>([part, date.expr], DataType::Long, |part, date| {
            DateField::parse(part)?.of_millis(date).map(Some)
        }),
        (None, false) => call.map2::<Text, Nanos, Long>([part, date.expr], DataType::Long, |part, date| {
            DateField::parse(part)?.of_nanos(date).map(Some)
        }),
    })
}

/// A format, which may be left away, and a date.
fn date_format(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.arity(1..=2)?;
    if !call.has(1) {
        return print_date(call, 0, DateFormat::default());
    }
    let format = call.text(0)?;
    if let Some(format) = call.read_constant(0, DateFormat::new)? {
        return print_date(call, 1, format);
    }
    let date = call.date(1)?;
    let args = [format, date.expr];
    Ok(if date.data_type == DataType::Date {
        call.map2::<Text, Millis, Text>(args, DataType::Keyword, |format, date| {
            DateFormat::new(format)?.print_millis(date).map(Some)
        })
    } else {
        call.map2::<Text, Nanos, Text>(args, DataType::Keyword, |format, date| {
            DateFormat::new(format)?.print_nanos(date).map(Some)
        })
    })
}

/// The name of a weekday or month.
fn named(call: &mut Call<'_, '_>, pattern: &str) -> Result<Operand, Refused> {
    call.arity(1..=1)?;
    match DateFormat::new(pattern) {
        Ok(format) => print_date(call, 0, format),
        Err(_) => Err(Refused),
    }
}

fn print_date(call: &mut Call<'_, '_>, index: usize, format: DateFormat) -> Result<Operand, Refused> {
    let date = call.date(index)?;
    Ok(if date.data_type == DataType::Date {
        call.map1::<Millis, Text>(date.expr, DataType::Keyword, move |date| {
            format.print_millis(date).map(Some)
        })
    } else {
        call.map1::<Nanos, Text>(date.expr, DataType::Keyword, move |date| format.print_nanos(date).map(Some))
    })
}

/// A format, which may be left away, and a text.
fn date_parse(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.arity(1..=2)?;
    if let Some(options) = call.options
        && !options.is_empty()
    {
        return call.lowering.unsupported(
            "options of DATE_PARSE",
            "dates are read in UTC and English",
            call.span,
        );
    }
    let text = call.text(call.args.len() - 1)?;
    let format =
        if call.has(1) { call.read_constant(0, DateFormat::new)? } else { Some(DateFormat::default()) };
    if let Some(format) = format {
        return Ok(
            call.map1::<Text, Millis>(text, DataType::Date, move |text| format.read_millis(text).map(Some))
        );
    }
    let args = [call.text(0)?, text];
    Ok(call.map2::<Text, Text, Millis>(args, DataType::Date, |format, text| {
        DateFormat::new(format)?.read_millis(text).map(Some)
    }))
}
