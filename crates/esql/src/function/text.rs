//! Functions over texts.

use std::sync::Arc;

use datafusion::arrow::array::ArrayRef;
use datafusion::common::Result as PlanResult;
use datafusion::logical_expr::Expr;
use query::Diagnostic;

use super::kind::{Bool, Integer, Kind, Text, as_kind, collect_lists, get};
use super::{Call, Function, Refusal};
use crate::DataType;
use crate::lower::Refused;
use crate::operand::Operand;
use crate::pattern::JavaRegex;
use crate::value::{Outcome, text};

pub(crate) const FUNCTIONS: &[Function] = &[
    Function { names: &["bit_length"], check: |call| measure(call, text::bit_length) },
    Function { names: &["byte_length"], check: |call| measure(call, text::byte_length) },
    Function { names: &["concat"], check: concat },
    Function { names: &["contains"], check: |call| test(call, |text, part| text.contains(part)) },
    Function { names: &["ends_with"], check: |call| test(call, |text, end| text.ends_with(end)) },
    Function { names: &["left"], check: |call| part(call, text::left) },
    Function { names: &["length"], check: |call| measure(call, text::length) },
    Function { names: &["locate"], check: locate },
    Function { names: &["ltrim"], check: |call| change(call, |text| text::trim_start(text).to_owned()) },
    Function { names: &["repeat"], check: repeat },
    Function { names: &["replace"], check: replace },
    Function { names: &["reverse"], check: |call| change(call, text::reverse) },
    Function { names: &["right"], check: |call| part(call, text::right) },
    Function { names: &["rtrim"], check: |call| change(call, |text| text::trim_end(text).to_owned()) },
    Function { names: &["space"], check: space },
    Function { names: &["split"], check: split },
    Function { names: &["starts_with"], check: |call| test(call, |text, start| text.starts_with(start)) },
    Function { names: &["substring"], check: substring },
    Function {
        names: &["to_lower"],
        check: |call| change_each(call, |text| text::to_lower(text).into_owned()),
    },
    Function {
        names: &["to_upper"],
        check: |call| change_each(call, |text| text::to_upper(text).into_owned()),
    },
    Function { names: &["trim"], check: |call| change(call, |text| text::trim(text).to_owned()) },
];

/// A whole number of a text.
fn measure(call: &mut Call<'_, '_>, f: fn(&str) -> i32) -> Result<Operand, Refused> {
    call.arity(1..=1)?;
    let arg = call.text(0)?;
    Ok(call.map1::<Text, Integer>(arg, DataType::Integer, move |text| Ok(Some(f(text)))))
}

/// Another text of a text.
fn change(call: &mut Call<'_, '_>, f: fn(&str) -> String) -> Result<Operand, Refused> {
    call.arity(1..=1)?;
    let arg = call.text(0)?;
    Ok(call.map1::<Text, Text>(arg, DataType::Keyword, move |text| Ok(Some(f(text)))))
}

/// Another text of each text.
fn change_each(call: &mut Call<'_, '_>, f: fn(&str) -> String) -> Result<Operand, Refused> {
    call.arity(1..=1)?;
    let arg = call.texts(0)?;
    Ok(call.map_each::<Text, Text>(arg, DataType::Keyword, move |text| Ok(Some(f(text)))))
}

/// A test of two texts.
fn test(call: &mut Call<'_, '_>, f: fn(&str, &str) -> bool) -> Result<Operand, Refused> {
    call.arity(2..=2)?;
    let args = [call.text(0)?, call.text(1)?];
    Ok(call.map2::<Text, Text, Bool>(args, DataType::Boolean, move |text, other| Ok(Some(f(text, other)))))
}

/// A part of a text, of a given length.
fn part(call: &mut Call<'_, '_>, f: fn(&str, i32) -> &str) -> Result<Operand, Refused> {
    call.arity(2..=2)?;
    let args = [call.text(0)?, call.typed(1, DataType::Integer)?];
    Ok(call.map2::<Text, Integer, Text>(args, DataType::Keyword, move |text, length| {
        Ok(Some(f(text, length).to_owned()))
    }))
}

fn substring(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.arity(2..=3)?;
    let args = [call.text(0)?, call.typed(1, DataType::Integer)?];
    let cut =
        |text: &str, start, length| text::substring(text, start, length).map(|part| Some(part.to_owned()));
    if !call.has(2) {
        return Ok(call.map2::<Text, Integer, Text>(args, DataType::Keyword, move |text, start| {
            cut(text, start, None)
        }));
    }
    let [whole, start] = args;
    let args = [whole, start, call.typed(2, DataType::Integer)?];
    Ok(call.map3::<Text, Integer, Integer, Text>(args, DataType::Keyword, move |text, start, length| {
        cut(text, start, Some(length))
    }))
}

fn locate(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.arity(2..=3)?;
    let args = [call.text(0)?, call.text(1)?];
    if !call.has(2) {
        return Ok(call.map2::<Text, Text, Integer>(args, DataType::Integer, |text, part| {
            Ok(Some(text::locate(text, part, None)))
        }));
    }
    let [whole, part] = args;
    let args = [whole, part, call.typed(2, DataType::Integer)?];
    Ok(call.map3::<Text, Text, Integer, Integer>(args, DataType::Integer, |text, part, start| {
        Ok(Some(text::locate(text, part, Some(start))))
    }))
}

fn repeat(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.arity(2..=2)?;
    let args = [call.text(0)?, call.typed(1, DataType::Integer)?];
    Ok(call.map2::<Text, Integer, Text>(args, DataType::Keyword, |text, times| {
        text::repeat(text, times).map(Some)
    }))
}

fn space(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.arity(1..=1)?;
    let arg = call.typed(0, DataType::Integer)?;
    Ok(call.map1::<Integer, Text>(arg, DataType::Keyword, |count| text::space(count).map(Some)))
}

fn concat(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.arity(2..=usize::MAX)?;
    let args = (0..call.args.len()).map(|index| call.text(index)).collect::<Result<Vec<Expr>, _>>()?;
    let counter = call.lowering.warnings.counter(call.span);
    let body = move |args: &[ArrayRef], rows: usize| -> PlanResult<ArrayRef> {
        let texts = args.iter().map(as_kind::<Text>).collect::<PlanResult<Vec<_>>>()?;
        Ok(Text::collect((0..rows).map(|row| {
            let parts = texts.iter().map(|text| get::<Text>(text, row)).collect::<Option<Vec<&str>>>()?;
            match text::concat(parts) {
                Ok(text) => Some(text),
                Err(Refusal(reason)) => {
                    counter.add(reason, 1);
                    None
                }
            }
        })))
    };
    Ok(call.compute(args, DataType::Keyword, false, Arc::new(body)))
}

/// One text to several values.
fn split(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.arity(2..=2)?;
    let args = vec![call.text(0)?, call.text(1)?];
    call.read_constant(1, |delimiter| text::split("", delimiter).map(drop))?;
    let counter = call.lowering.warnings.counter(call.span);
    let body = move |args: &[ArrayRef], rows: usize| -> PlanResult<ArrayRef> {
        let (texts, delimiters) = (as_kind::<Text>(&args[0])?, as_kind::<Text>(&args[1])?);
        Ok(collect_lists::<Text>((0..rows).map(|row| {
            let (Some(text), Some(delimiter)) = (get::<Text>(texts, row), get::<Text>(delimiters, row))
            else {
                return Vec::new();
            };
            match text::split(text, delimiter) {
                Ok(parts) => parts.map(str::to_owned).collect(),
                Err(Refusal(reason)) => {
                    counter.add(reason, 1);
                    Vec::new()
                }
            }
        })))
    };
    Ok(call.compute(args, DataType::Keyword, true, Arc::new(body)))
}

/// Why `REPLACE` gives null.
const BAD_REGEX: Refusal = Refusal("text is no regular expression of Java");
const BAD_REPLACEMENT: Refusal =
    Refusal("the replacement has a group that the regular expression does not have");
const SEARCH_GIVEN_UP: Refusal = Refusal("the search for a regular expression was given up");

/// Every match of a regular expression of Java, replaced.
fn replace(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    use crate::pattern::ReplaceFailure;
    call.arity(3..=3)?;
    let args = [call.text(0)?, call.text(1)?, call.text(2)?];
    let replaced = |regex: &JavaRegex, text: &str, replacement: &str| -> Outcome<String> {
        match regex.replace_all(text, replacement) {
            Ok(text) => Ok(text.into_owned()),
            Err(ReplaceFailure::Replacement(_)) => Err(BAD_REPLACEMENT),
            Err(ReplaceFailure::Search(_)) => Err(SEARCH_GIVEN_UP),
        }
    };
    let Some(pattern) = call.args[1].literal_text().map(str::to_owned) else {
        return Ok(call.map3::<Text, Text, Text, Text>(
            args,
            DataType::Keyword,
            move |text, pattern, new| {
                let regex = JavaRegex::parse(pattern).map_err(|_| BAD_REGEX)?;
                replaced(&regex, text, new).map(Some)
            },
        ));
    };
    let regex = match JavaRegex::parse(&pattern) {
        Ok(regex) => regex,
        Err(diagnostic) => return bad_constant(call, 1, diagnostic),
    };
    if let Some(new) = call.args[2].literal_text().map(str::to_owned)
        && let Err(diagnostic) = regex.check_replacement(&new)
    {
        return bad_constant(call, 2, diagnostic);
    }
    let [text, _, new] = args;
    Ok(call.map2::<Text, Text, Text>([text, new], DataType::Keyword, move |text, new| {
        replaced(&regex, text, new).map(Some)
    }))
}

/// A finding inside a constant text, told at the place of the constant.
fn bad_constant<T>(call: &mut Call<'_, '_>, index: usize, diagnostic: Diagnostic) -> Result<T, Refused> {
    let span = call.args[index].span;
    call.lowering.refuse(Diagnostic { span: Some(span), ..diagnostic })
}
