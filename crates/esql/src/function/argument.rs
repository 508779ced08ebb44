//! Further forms in which functions ask for arguments: constants that are read once, dates of both resolutions, and
//! values of which each is taken by itself.

use query::Diagnostic;

use super::Call;
use super::kind::{Kind, Millis, Nanos};
use crate::DataType;
use crate::lower::Refused;
use crate::operand::Operand;
use crate::value::Outcome;
use crate::value::date_difference::nanos_of_millis;

impl Call<'_, '_> {
    /// All texts of an argument.
    pub(crate) fn texts(&mut self, index: usize) -> Result<Operand, Refused> {
        self.all(index, DataType::Keyword)
    }

    /// All values of an argument as the given type.
    pub(crate) fn all(&mut self, index: usize, data_type: DataType) -> Result<Operand, Refused> {
        let operand = self.args[index].clone();
        match self.lowering.coerce(operand, data_type) {
            Ok(operand) => Ok(operand),
            Err(operand) => self.wrong_type(index, &operand, data_type.name()),
        }
    }

    /// The single date of an argument: a `date` or a `date_nanos`, or a constant text that is read as a `date`.
    pub(crate) fn date(&mut self, index: usize) -> Result<Operand, Refused> {
        let operand = self.args[index].clone();
        let operand = if operand.data_type.is_date() { operand } else { self.all(index, DataType::Date)? };
        Ok(self.lowering.single(operand))
    }

    /// What a constant text of an argument means; `None` when it is not constant, or null. What cannot be read is
    /// refused.
    pub(crate) fn read_constant<T>(
        &mut self,
        index: usize,
        read: impl FnOnce(&str) -> Outcome<T>,
    ) -> Result<Option<T>, Refused> {
        let Some(text) = self.args[index].literal_text().map(str::to_owned) else { return Ok(None) };
        match read(&text) {
            Ok(value) => Ok(Some(value)),
            Err(refusal) => {
                let message = format!("\"{text}\" cannot stand here: {}", refusal.reason());
                let span = self.args[index].span;
                self.lowering.refuse(Diagnostic::error("esql::constant", message).at(span))
            }
        }
    }
}

/// Kinds of dates.
pub(crate) trait DateKind: Kind {
    /// Nanoseconds since the epoch.
    fn nanos(value: Self::Value<'_>) -> i128;
}

impl DateKind for Millis {
    fn nanos(millis: i64) -> i128 {
        nanos_of_millis(millis)
    }
}

impl DateKind for Nanos {
    fn nanos(nanos: i64) -> i128 {
        nanos.into()
    }
}
