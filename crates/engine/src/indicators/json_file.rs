//! Indicators as JSON: one document a line, an array, search hits, or a whole answer of a search.

use serde_json::{Map, Value};

use super::{IndicatorAccount, IndicatorFault};
use crate::error::EngineError;

type Sink<'s> = dyn FnMut(&mut IndicatorAccount, Result<Map<String, Value>, IndicatorFault>) -> Result<(), EngineError>
    + 's;

/// Reads the documents. Lines when the first of them is a whole document, else one value after the other.
pub(super) fn read(
    bytes: &[u8],
    account: &mut IndicatorAccount,
    sink: &mut Sink<'_>,
) -> Result<(), EngineError> {
    let mut lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let first = lines.next().and_then(|line| serde_json::from_slice::<Value>(line).ok());
    if first.is_some_and(|first| first.is_object()) {
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
            match serde_json::from_slice(line) {
                Ok(value @ Value::Object(_)) => each(value, account, sink)?,
                Ok(_) => sink(account, Err(IndicatorFault::NoObject))?,
                Err(_) => sink(account, Err(IndicatorFault::NoJson))?,
            }
        }
        return Ok(());
    }
    for value in serde_json::Deserializer::from_slice(bytes).into_iter() {
        match value {
            Ok(value) => each(value, account, sink)?,
            Err(error) => {
                let records = match account.records {
                    1 => "1 record".to_owned(),
                    n => format!("{n} records"),
                };
                account.unreadable = Some(format!("it breaks off, or is no JSON, after {records}: {error}"));
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The documents in a value: itself, the elements of an array, or the hits of an answer.
fn each(value: Value, account: &mut IndicatorAccount, sink: &mut Sink<'_>) -> Result<(), EngineError> {
    match value {
        Value::Array(items) => items.into_iter().try_for_each(|item| each(item, account, sink)),
        Value::Object(mut map) => {
            match map.get_mut("hits").and_then(|hits| hits.get_mut("hits")).map(Value::take) {
                Some(hits @ Value::Array(_)) => each(hits, account, sink),
                _ => sink(account, Ok(map)),
            }
        }
        _ => sink(account, Err(IndicatorFault::NoObject)),
    }
}
