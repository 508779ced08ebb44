//! Values of a row by column name, and values as the tables hold them: times as milliseconds, JSON and words as text.

use std::str::FromStr;

use jiff::Timestamp;
use serde_json::Value;
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::StateError;

pub(crate) trait Fields {
    fn text(&self, column: &str) -> Result<String, StateError>;
    fn optional_text(&self, column: &str) -> Result<Option<String>, StateError>;
    fn integer(&self, column: &str) -> Result<i64, StateError>;
    fn optional_integer(&self, column: &str) -> Result<Option<i64>, StateError>;
    fn optional_bytes(&self, column: &str) -> Result<Option<Vec<u8>>, StateError>;
    fn real(&self, column: &str) -> Result<f64, StateError>;

    fn time(&self, column: &str) -> Result<Timestamp, StateError> {
        instant(column, self.integer(column)?)
    }

    fn optional_time(&self, column: &str) -> Result<Option<Timestamp>, StateError> {
        self.optional_integer(column)?.map(|millisecond| instant(column, millisecond)).transpose()
    }

    fn json(&self, column: &str) -> Result<Value, StateError> {
        parsed(column, &self.text(column)?)
    }

    fn optional_json(&self, column: &str) -> Result<Option<Value>, StateError> {
        self.optional_text(column)?.map(|text| parsed(column, &text)).transpose()
    }

    fn texts(&self, column: &str) -> Result<Vec<String>, StateError> {
        let text = self.text(column)?;
        serde_json::from_str(&text).map_err(|error| StateError::corrupt(column, error))
    }

    fn word<T: FromStr<Err = StateError>>(&self, column: &str) -> Result<T, StateError> {
        self.text(column)?.parse().map_err(|error| StateError::corrupt(column, error))
    }

    fn count(&self, column: &str) -> Result<u64, StateError> {
        u64::try_from(self.integer(column)?).map_err(|error| StateError::corrupt(column, error))
    }
}

impl Fields for AnyRow {
    fn text(&self, column: &str) -> Result<String, StateError> {
        Ok(self.try_get(column)?)
    }

    fn optional_text(&self, column: &str) -> Result<Option<String>, StateError> {
        Ok(self.try_get(column)?)
    }

    fn integer(&self, column: &str) -> Result<i64, StateError> {
        Ok(self.try_get(column)?)
    }

    fn optional_integer(&self, column: &str) -> Result<Option<i64>, StateError> {
        Ok(self.try_get(column)?)
    }

    fn optional_bytes(&self, column: &str) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.try_get(column)?)
    }

    fn real(&self, column: &str) -> Result<f64, StateError> {
        Ok(self.try_get(column)?)
    }
}

/// Milliseconds since 1970, what is finer cut off.
pub(crate) fn milliseconds(at: Timestamp) -> i64 {
    at.as_nanosecond().div_euclid(1_000_000) as i64
}

pub(crate) fn optional_milliseconds(at: Option<Timestamp>) -> Option<i64> {
    at.map(milliseconds)
}

/// A time as it will be read back.
pub(crate) fn whole_milliseconds(at: Timestamp) -> Result<Timestamp, StateError> {
    instant("time", milliseconds(at))
}

/// The instant after so long, or the end of time.
pub(crate) fn later(at: Timestamp, by: jiff::SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// Free text that both back ends can keep: PostgreSQL's text holds no NUL, so its picture stands for it.
pub(crate) fn free_text(text: &str) -> String {
    text.replace('\0', "\u{2400}")
}

/// An id or name that can be kept and found again.
pub(crate) fn checked_id<'a>(what: &'static str, id: &'a str) -> Result<&'a str, StateError> {
    if id.is_empty() || id.contains('\0') {
        return Err(StateError::Invalid { what, reason: "is empty or holds a NUL".to_owned() });
    }
    Ok(id)
}

/// A page's size as SQL wants it: one more than asked for tells whether there is more.
pub(crate) fn one_more(limit: u32) -> i64 {
    i64::from(limit.max(1)) + 1
}

fn instant(column: &str, millisecond: i64) -> Result<Timestamp, StateError> {
    Timestamp::from_millisecond(millisecond).map_err(|error| StateError::corrupt(column, error))
}

fn parsed(column: &str, text: &str) -> Result<Value, StateError> {
    serde_json::from_str(text).map_err(|error| StateError::corrupt(column, error))
}
