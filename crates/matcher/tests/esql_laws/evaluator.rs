//! ES|QL taken at its word, one row at a time: several values are null to most operators, and logic is three-valued.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ecs::{Document, Scalar};
use query::Spanned;
use query::esql::ast::{ArithmeticOp, Command, CompareOp, Expr, LikeOp, Literal, Query};

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Text(String),
    /// `i128` tells whole numbers apart that `f64` does not.
    Whole(i128),
    Real(f64),
    Bool(bool),
    Address(u128),
}

/// No value is null.
type Values = Vec<Value>;

/// Why there is no answer: the query is refused, or not known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused;

type Row = BTreeMap<String, Values>;

/// How many rows are left of one event.
pub(crate) fn rows_left(query: &Query, event: &Document) -> Result<usize, Refused> {
    let mut rows = vec![row(event)];
    for command in &query.commands {
        rows = apply(&command.value, rows)?;
    }
    Ok(rows.len())
}

fn row(event: &Document) -> Row {
    let mut row = Row::new();
    for name in ["kw", "kws", "text", "num", "nums", "real", "flag", "addr", "addrs"] {
        let mut values: Values =
            event.values(name).into_iter().filter_map(|value| read(name, value)).collect();
        if name.starts_with("kw") {
            // Keywords are a set.
            let mut set = Values::new();
            values.into_iter().for_each(|value| {
                if !set.contains(&value) {
                    set.push(value);
                }
            });
            values = set;
        }
        row.insert(name.to_owned(), values);
    }
    row
}

fn read(name: &str, value: Scalar<'_>) -> Option<Value> {
    Some(match (name, value) {
        ("kw" | "kws" | "text", value) => Value::Text(value.text().into_owned()),
        ("num" | "nums", Scalar::Int(i)) => Value::Whole(i.into()),
        ("num" | "nums", Scalar::Float(f)) => Value::Whole(f.trunc() as i128),
        ("real", Scalar::Int(i)) => Value::Real(i as f64),
        ("real", Scalar::Float(f)) => Value::Real(f),
        ("flag", Scalar::Bool(b)) => Value::Bool(b),
        ("flag", Scalar::Str("true")) => Value::Bool(true),
        ("flag", Scalar::Str("false" | "")) => Value::Bool(false),
        ("addr" | "addrs", Scalar::Str(text)) => Value::Address(address(text)?),
        _ => return None,
    })
}

fn address(text: &str) -> Option<u128> {
    Some(match text.parse().ok()? {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    })
}

fn apply(command: &Command, rows: Vec<Row>) -> Result<Vec<Row>, Refused> {
    let mut left = Vec::new();
    for mut row in rows {
        match command {
            Command::Where(condition) => {
                if truth(&condition.value, &row)? == Some(true) {
                    left.push(row);
                }
                continue;
            }
            Command::Eval(fields) => {
                for field in fields {
                    let value = eval(&field.value.value, &row)?;
                    row.insert(field.name.as_ref().ok_or(Refused)?.value.clone(), value);
                }
            }
            Command::Keep(patterns) => {
                for name in patterns.iter().filter_map(|pattern| pattern.value.name()) {
                    row.get(name).ok_or(Refused)?;
                }
                row.retain(|name, _| patterns.iter().any(|pattern| pattern.value.matches(name)));
            }
            Command::Drop(patterns) => {
                row.retain(|name, _| !patterns.iter().any(|pattern| pattern.value.matches(name)));
            }
            Command::Rename(renamings) => {
                for renaming in renamings {
                    let values = row.remove(&renaming.old.value).ok_or(Refused)?;
                    row.insert(renaming.new.value.clone(), values);
                }
            }
            Command::MvExpand(name) => {
                let values = row.get(&name.value).ok_or(Refused)?.clone();
                if values.len() > 1 {
                    for value in values {
                        row.insert(name.value.clone(), vec![value]);
                        left.push(row.clone());
                    }
                    continue;
                }
            }
            // Only of the form `%{a} %{b}`; an empty name is left out.
            Command::Dissect { input, pattern, .. } => {
                let values = eval(&input.value, &row)?;
                let names: Vec<&str> = pattern.value.split(' ').map(|key| &key[2..key.len() - 1]).collect();
                let mut found = [Values::new(), Values::new()];
                for value in values {
                    let Value::Text(text) = value else { return Err(Refused) };
                    if let Some((first, second)) = text.split_once(' ') {
                        found[0].push(Value::Text(first.to_owned()));
                        found[1].push(Value::Text(second.to_owned()));
                    }
                }
                for (name, values) in names.into_iter().zip(found).filter(|(name, _)| !name.is_empty()) {
                    row.insert(name.to_owned(), values);
                }
            }
            Command::Sort(keys) => {
                for key in keys {
                    eval(&key.value.value, &row)?;
                }
            }
            _ => return Err(Refused),
        }
        left.push(row);
    }
    Ok(left)
}

fn truth(expr: &Expr, row: &Row) -> Result<Option<bool>, Refused> {
    match single(eval(expr, row)?) {
        None => Ok(None),
        Some(Value::Bool(b)) => Ok(Some(b)),
        Some(_) => Err(Refused),
    }
}

fn single(mut values: Values) -> Option<Value> {
    if values.len() == 1 { values.pop() } else { None }
}

fn boolean(truth: Option<bool>) -> Values {
    truth.map(Value::Bool).into_iter().collect()
}

fn eval(expr: &Expr, row: &Row) -> Result<Values, Refused> {
    Ok(match expr {
        Expr::And(parts) => boolean(kleene(parts, row, false)?),
        Expr::Or(parts) => boolean(kleene(parts, row, true)?),
        Expr::Not(part) => boolean(truth(&part.value, row)?.map(|b| !b)),
        Expr::Compare { op, left, right } => {
            let (left, right) = (single(eval(&left.value, row)?), single(eval(&right.value, row)?));
            match (left, right) {
                (Some(left), Some(right)) => boolean(Some(compare(*op, &left, &right)?)),
                _ => Values::new(),
            }
        }
        Expr::Like { op, value, patterns, negated } => {
            let values = eval(&value.value, row)?;
            let [pattern] = patterns.as_slice() else { return Err(Refused) };
            // What everything fits is planned as `IS NOT NULL`.
            if *op == LikeOp::Like && pattern.value == "*" {
                return Ok(boolean(Some(values.is_empty() == *negated)));
            }
            match single(values) {
                None => Values::new(),
                Some(Value::Text(text)) => {
                    let fits = match op {
                        LikeOp::Like => like(&chars(&pattern.value), &chars(&text)),
                        LikeOp::Rlike => {
                            regex::Regex::new(&format!("^(?s:{})$", pattern.value)).unwrap().is_match(&text)
                        }
                    };
                    boolean(Some(fits != *negated))
                }
                Some(_) => return Err(Refused),
            }
        }
        Expr::In { value, list, negated } => {
            let value = single(eval(&value.value, row)?);
            let mut found = Some(false);
            for one in list {
                let one = single(eval(&one.value, row)?);
                match (&value, one) {
                    (Some(value), Some(one)) => {
                        if compare(CompareOp::Eq, value, &one)? {
                            found = Some(true);
                        }
                    }
                    _ if found == Some(true) => {}
                    _ => found = None,
                }
            }
            boolean(found.map(|b| b != *negated))
        }
        Expr::IsNull { value, negated } => boolean(Some(eval(&value.value, row)?.is_empty() != *negated)),
        Expr::Arithmetic { op: ArithmeticOp::Add, left, right } => {
            match (single(eval(&left.value, row)?), single(eval(&right.value, row)?)) {
                (Some(left), Some(right)) => vec![Value::Real(number(&left)? + number(&right)?)],
                _ => Values::new(),
            }
        }
        Expr::Cast { value, to } if to.value == "keyword" => eval(&value.value, row)?,
        Expr::Call { function, args, .. } => call(&function.value, args, row)?,
        Expr::Column(name) => row.get(name).ok_or(Refused)?.clone(),
        Expr::Literal(literal) => match literal {
            Literal::Null => Values::new(),
            Literal::Bool(b) => vec![Value::Bool(*b)],
            Literal::Integer(i) => vec![Value::Whole((*i).into())],
            Literal::Double(f) => vec![Value::Real(*f)],
            Literal::Text(text) => vec![Value::Text(text.clone())],
            _ => return Err(Refused),
        },
        _ => return Err(Refused),
    })
}

/// `strong` decides alone.
fn kleene(parts: &[Spanned<Expr>], row: &Row, strong: bool) -> Result<Option<bool>, Refused> {
    let mut all = Some(!strong);
    for part in parts {
        match truth(&part.value, row)? {
            Some(b) if b == strong => all = Some(strong),
            None if all != Some(strong) => all = None,
            _ => {}
        }
    }
    Ok(all)
}

fn number(value: &Value) -> Result<f64, Refused> {
    match value {
        Value::Whole(i) => Ok(*i as f64),
        Value::Real(f) => Ok(*f),
        _ => Err(Refused),
    }
}

fn compare(op: CompareOp, left: &Value, right: &Value) -> Result<bool, Refused> {
    let order = match (left, right) {
        (Value::Text(a), Value::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Bool(a), Value::Text(b)) => a.to_string().cmp(b),
        (Value::Address(a), Value::Address(b)) => a.cmp(b),
        (Value::Address(a), Value::Text(b)) => a.cmp(&address(b).ok_or(Refused)?),
        (Value::Text(_), Value::Address(_)) => return compare(turned(op), right, left),
        (Value::Whole(a), Value::Whole(b)) => a.cmp(b),
        (a, b) => number(a)?.total_cmp(&number(b)?),
    };
    Ok(match op {
        CompareOp::Eq => order.is_eq(),
        CompareOp::Ne => order.is_ne(),
        CompareOp::Lt => order.is_lt(),
        CompareOp::Lte => order.is_le(),
        CompareOp::Gt => order.is_gt(),
        CompareOp::Gte => order.is_ge(),
    })
}

fn turned(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Lt => CompareOp::Gt,
        CompareOp::Lte => CompareOp::Gte,
        CompareOp::Gt => CompareOp::Lt,
        CompareOp::Gte => CompareOp::Lte,
        equality => equality,
    }
}

fn chars(text: &str) -> Vec<char> {
    text.chars().collect()
}

fn like(pattern: &[char], text: &[char]) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['*', rest @ ..] => (0..=text.len()).any(|at| like(rest, &text[at..])),
        ['?', rest @ ..] => !text.is_empty() && like(rest, &text[1..]),
        ['\\', c, rest @ ..] | [c, rest @ ..] => text.first() == Some(c) && like(rest, &text[1..]),
    }
}

fn call(function: &str, args: &[Spanned<Expr>], row: &Row) -> Result<Values, Refused> {
    match function {
        "COALESCE" => {
            let mut found = Values::new();
            for arg in args {
                let values = eval(&arg.value, row)?;
                if found.is_empty() {
                    found = values;
                }
            }
            return Ok(found);
        }
        "CASE" => {
            let [condition, value, otherwise] = args else { return Err(Refused) };
            let (value, otherwise) = (eval(&value.value, row)?, eval(&otherwise.value, row)?);
            return Ok(if truth(&condition.value, row)? == Some(true) { value } else { otherwise });
        }
        _ => {}
    }
    let mut values = Vec::new();
    for arg in args {
        values.push(eval(&arg.value, row)?);
    }
    // Value by value.
    let mapped: Option<fn(&str) -> Option<Value>> = match function {
        "TO_LOWER" => Some(|text| Some(Value::Text(text.to_lowercase()))),
        "TO_UPPER" => Some(|text| Some(Value::Text(text.to_uppercase()))),
        "TO_IP" => Some(|text| address(text).map(Value::Address)),
        _ => None,
    };
    if let Some(mapped) = mapped {
        let mut out = Values::new();
        for value in &values[0] {
            let Value::Text(text) = value else { return Err(Refused) };
            out.extend(mapped(text));
        }
        return Ok(out);
    }
    let singles: Option<Values> = values.into_iter().map(single).collect();
    let Some(singles) = singles else { return Ok(Values::new()) };
    Ok(vec![match (function, singles.as_slice()) {
        ("LENGTH", [Value::Text(text)]) => Value::Whole(text.chars().count() as i128),
        ("CONCAT", [Value::Text(a), Value::Text(b)]) => Value::Text(format!("{a}{b}")),
        ("STARTS_WITH", [Value::Text(a), Value::Text(b)]) => Value::Bool(a.starts_with(b.as_str())),
        ("ENDS_WITH", [Value::Text(a), Value::Text(b)]) => Value::Bool(a.ends_with(b.as_str())),
        ("CONTAINS", [Value::Text(a), Value::Text(b)]) => Value::Bool(a.contains(b.as_str())),
        ("CIDR_MATCH", [Value::Address(found), networks @ ..]) => {
            let holds = |network: &Value| {
                let Value::Text(network) = network else { return false };
                let (base, length) = network.split_once('/').unwrap();
                let length: u32 = length.parse().unwrap();
                let length = if base.contains(':') { length } else { length + 96 };
                let differs = found ^ address(base).unwrap();
                length == 0 || differs >> (128 - length) == 0
            };
            Value::Bool(networks.iter().any(holds))
        }
        _ => return Err(Refused),
    }])
}
