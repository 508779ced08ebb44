//! What a language calls itself, and the faults that EQL and ES|QL both can have.

/// A language and the codes of its faults.
pub(crate) struct Language {
    pub(crate) name: &'static str,
    /// What a name stands for: `field` or `column`.
    pub(crate) named: &'static str,
    pub(crate) bad_escape: &'static str,
    pub(crate) empty_name: &'static str,
    /// `None` for a language that does not warn of it.
    pub(crate) nested_comment: Option<&'static str>,
    pub(crate) number_too_large: &'static str,
    pub(crate) raw_text_lines: &'static str,
    pub(crate) unclosed_comment: &'static str,
    pub(crate) unclosed_quote: &'static str,
    pub(crate) unknown_character: &'static str,
    pub(crate) unknown_operator: &'static str,
}
