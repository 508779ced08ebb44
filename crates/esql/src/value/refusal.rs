//! Why a function gives null although its arguments are not null.

/// The reason of a warning, in words: `division by zero`. It never holds a value of an event, so that warnings can be
/// counted by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Refusal(pub &'static str);

/// A value, or why there is none.
pub type Outcome<T> = Result<T, Refusal>;

impl Refusal {
    /// The reason in words.
    pub fn reason(self) -> &'static str {
        self.0
    }
}
