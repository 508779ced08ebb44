//! A call of a function whose arguments have been checked, and what a function may ask of them.

use std::ops::RangeInclusive;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef};
use datafusion::common::Result as PlanResult;
use datafusion::logical_expr::Expr;
use query::esql::ast::{Literal, OptionEntry};
use query::{Diagnostic, Span};

use super::answer::{Answer, Refusal};
use super::array_function::{ArrayFunction, Body};
use super::kind::{Kind, as_kind, as_lists, collect_lists, get, list_values};
use crate::DataType;
use crate::lower::{Lowering, Refused};
use crate::operand::Operand;

/// A call.
pub(crate) struct Call<'a, 'q> {
    /// Where diagnostics and counters go.
    pub(crate) lowering: &'a mut Lowering<'q>,
    /// The function's name, in lower case.
    pub(crate) name: &'static str,
    /// In order, as they are: any of them may have several values.
    pub(crate) args: Vec<Operand>,
    /// The map at the end, `{ "option": value }`.
    pub(crate) options: Option<&'a [OptionEntry]>,
    /// The whole call.
    pub(crate) span: Span,
}

impl Call<'_, '_> {
    /// Refuses any other number of arguments.
    pub(crate) fn arity(&mut self, allowed: RangeInclusive<usize>) -> Result<(), Refused> {
        if allowed.contains(&self.args.len()) {
            return Ok(());
        }
        let (least, most) = (*allowed.start(), *allowed.end());
        let expected = match (least, most) {
            (1, 1) => "one argument".to_owned(),
            (least, most) if least == most => format!("{least} arguments"),
            (least, usize::MAX) => format!("at least {least} arguments"),
            (least, most) => format!("{least} to {most} arguments"),
        };
        let message = format!("{} takes {expected}, not {}", self.name, self.args.len());
        self.lowering.refuse(Diagnostic::error("esql::argument-count", message).at(self.span))
    }

    /// True when there is an argument of that number, counted from 0.
    pub(crate) fn has(&self, index: usize) -> bool {
        index < self.args.len()
    }

    /// The single text of an argument.
    pub(crate) fn text(&mut self, index: usize) -> Result<Expr, Refused> {
        self.typed(index, DataType::Keyword)
    }

    /// The single value of an argument as the given type: numbers widen, constants of text are read as dates,
    /// addresses, versions and booleans, and the null literal becomes null of the type.
    pub(crate) fn typed(&mut self, index: usize, data_type: DataType) -> Result<Expr, Refused> {
        let operand = self.args[index].clone();
        let operand = self.expect(index, operand, data_type)?;
        Ok(self.lowering.single(operand).expr)
    }

    /// All values of an argument, as lists, as the given type.
    pub(crate) fn values(&mut self, index: usize, data_type: DataType) -> Result<Expr, Refused> {
        let operand = self.args[index].clone();
        let operand = self.expect(index, operand, data_type)?;
        Ok(self.lowering.listed(operand).expr)
    }

    fn expect(&mut self, index: usize, operand: Operand, data_type: DataType) -> Result<Operand, Refused> {
        match self.lowering.coerce(operand, data_type) {
            Ok(operand) => Ok(operand),
            Err(operand) => {
                let expected = data_type.name();
                self.wrong_type(index, &operand, expected)
            }
        }
    }

    /// A single number: its type is that of the argument (`integer` for the null literal).
    pub(crate) fn number(&mut self, index: usize) -> Result<Operand, Refused> {
        let operand = self.args[index].clone();
        if operand.is_null() {
            return Ok(Operand::null(DataType::Integer, operand.span));
        }
        if !operand.data_type.is_number() {
            return self.wrong_type(index, &operand, "a number");
        }
        Ok(self.lowering.single(operand))
    }

    /// Says that an argument has the wrong type.
    pub(crate) fn wrong_type<T>(
        &mut self,
        index: usize,
        operand: &Operand,
        expected: &str,
    ) -> Result<T, Refused> {
        let ordinal = ["first", "second", "third", "fourth", "fifth"].get(index).copied().unwrap_or("this");
        let message = format!(
            "the {ordinal} argument of {} must be {expected}, and this is {}",
            self.name,
            operand.data_type.name()
        );
        self.lowering.refuse(
            Diagnostic::error("esql::argument-type", message).at(operand.span).label(expected.to_owned()),
        )
    }

    /// Refuses the call for another reason, at the place of an argument.
    pub(crate) fn refuse<T>(
        &mut self,
        index: usize,
        code: &'static str,
        message: String,
    ) -> Result<T, Refused> {
        let span = self.args.get(index).map_or(self.span, |operand| operand.span);
        self.lowering.refuse(Diagnostic::error(code, message).at(span))
    }

    /// The constant of an argument.
    pub(crate) fn constant(&mut self, index: usize) -> Result<Literal, Refused> {
        match self.args[index].literal.clone() {
            Some(literal) => Ok(literal),
            None => {
                let message = format!("{} needs a constant here", self.name);
                self.refuse(index, "esql::constant-needed", message)
            }
        }
    }

    /// The constant text of an argument.
    pub(crate) fn constant_text(&mut self, index: usize) -> Result<String, Refused> {
        match self.constant(index)? {
            Literal::Text(text) => Ok(text),
            _ => {
                let operand = self.args[index].clone();
                self.wrong_type(index, &operand, "a constant text")
            }
        }
    }

    /// The constant whole number of an argument.
    pub(crate) fn constant_integer(&mut self, index: usize) -> Result<i64, Refused> {
        match self.constant(index)? {
            Literal::Integer(number) => Ok(number),
            _ => {
                let operand = self.args[index].clone();
                self.wrong_type(index, &operand, "a constant whole number")
            }
        }
    }

    /// A result computed from arrays.
    pub(crate) fn compute(
        &mut self,
        args: Vec<Expr>,
        data_type: DataType,
        many: bool,
        body: Body,
    ) -> Operand {
        let number = self.lowering.next_number();
        let expr = ArrayFunction::call(self.name, number, data_type.arrow_column(many), args, body);
        Operand::new(expr, data_type, many, self.span)
    }

    /// A result computed from one single value; null of null.
    pub(crate) fn map1<A: Kind, R: Kind>(
        &mut self,
        arg: Expr,
        data_type: DataType,
        f: impl Fn(A::Value<'_>) -> Answer<R::Owned> + Send + Sync + 'static,
    ) -> Operand {
        let counter = self.lowering.warnings.counter(self.span);
        let body = move |args: &[ArrayRef], rows: usize| -> PlanResult<ArrayRef> {
            let a = as_kind::<A>(&args[0])?;
            Ok(R::collect((0..rows).map(|row| match f(get::<A>(a, row)?) {
                Ok(value) => value,
                Err(Refusal(reason)) => {
                    counter.add(reason, 1);
                    None
                }
            })))
        };
        self.compute(vec![arg], data_type, false, Arc::new(body))
    }

    /// A result computed from two single values; null when one of them is.
    pub(crate) fn map2<A: Kind, B: Kind, R: Kind>(
        &mut self,
        args: [Expr; 2],
        data_type: DataType,
        f: impl Fn(A::Value<'_>, B::Value<'_>) -> Answer<R::Owned> + Send + Sync + 'static,
    ) -> Operand {
        let counter = self.lowering.warnings.counter(self.span);
        let body = move |args: &[ArrayRef], rows: usize| -> PlanResult<ArrayRef> {
            let (a, b) = (as_kind::<A>(&args[0])?, as_kind::<B>(&args[1])?);
            Ok(R::collect((0..rows).map(|row| match f(get::<A>(a, row)?, get::<B>(b, row)?) {
                Ok(value) => value,
                Err(Refusal(reason)) => {
                    counter.add(reason, 1);
                    None
                }
            })))
        };
        self.compute(args.into(), data_type, false, Arc::new(body))
    }

    /// A result computed from three single values; null when one of them is.
    pub(crate) fn map3<A: Kind, B: Kind, C: Kind, R: Kind>(
        &mut self,
        args: [Expr; 3],
        data_type: DataType,
        f: impl Fn(A::Value<'_>, B::Value<'_>, C::Value<'_>) -> Answer<R::Owned> + Send + Sync + 'static,
    ) -> Operand {
        let counter = self.lowering.warnings.counter(self.span);
        let body = move |args: &[ArrayRef], rows: usize| -> PlanResult<ArrayRef> {
            let (a, b, c) = (as_kind::<A>(&args[0])?, as_kind::<B>(&args[1])?, as_kind::<C>(&args[2])?);
            Ok(R::collect((0..rows).map(|row| {
                match f(get::<A>(a, row)?, get::<B>(b, row)?, get::<C>(c, row)?) {
                    Ok(value) => value,
                    Err(Refusal(reason)) => {
                        counter.add(reason, 1);
                        None
                    }
                }
            })))
        };
        self.compute(args.into(), data_type, false, Arc::new(body))
    }

    /// A result computed from each value of an argument by itself: several values in, several values out, those that
    /// become null left away. `operand` must have the type that `A` reads.
    pub(crate) fn map_each<A: Kind, R: Kind>(
        &mut self,
        operand: Operand,
        data_type: DataType,
        f: impl Fn(A::Value<'_>) -> Answer<R::Owned> + Send + Sync + 'static,
    ) -> Operand {
        if !operand.many {
            return self.map1::<A, R>(operand.expr, data_type, f);
        }
        let counter = self.lowering.warnings.counter(self.span);
        let body = move |args: &[ArrayRef], rows: usize| -> PlanResult<ArrayRef> {
            let lists = as_lists(&args[0])?;
            let values = as_kind::<A>(lists.values())?;
            debug_assert_eq!(values.null_count(), 0, "lists hold no nulls");
            let answer = |value| {
                f(value).unwrap_or_else(|Refusal(reason)| {
                    counter.add(reason, 1);
                    None
                })
            };
            Ok(collect_lists::<R>(
                (0..rows).map(|row| list_values::<A>(lists, values, row).filter_map(answer).collect()),
            ))
        };
        self.compute(vec![operand.expr], data_type, true, Arc::new(body))
    }
}
