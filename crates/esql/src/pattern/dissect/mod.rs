//! DISSECT: takes a text apart at the literal texts that stand between keys.
//!
//! Source of the behaviour: elastic/elasticsearch `libs/dissect`, `DissectParser`, `DissectKey`, `DissectMatch`.

mod key;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use query::{Diagnostic, Span};

use self::key::{Key, Use};

/// A DISSECT pattern, ready to be applied.
#[derive(Debug, Clone)]
pub struct Dissect {
    /// What the text must begin with.
    leading: String,
    pieces: Vec<Piece>,
    /// Names of columns; pieces say into which of them they write.
    names: Vec<String>,
    append_separator: String,
}

#[derive(Debug, Clone)]
struct Piece {
    action: Use,
    /// Index into `Dissect::names`; none when skipped.
    column: Option<usize>,
    pads_right: bool,
    /// Ends the value; empty for the last piece when its value ends with the text.
    delimiter: String,
}

/// What was taken for one column so far.
#[derive(Debug, Clone, Default)]
enum Taken<'t> {
    #[default]
    Nothing,
    Value(&'t str),
    /// With the order of each part.
    Parts(Vec<(i32, &'t str)>),
}

impl Dissect {
    /// Reads a pattern. `append_separator` stands between the parts of an appended key; ES|QL's default is empty.
    ///
    /// # Errors
    /// One diagnostic with a code `esql::dissect-…`; its span is in bytes of `pattern`.
    pub fn parse(pattern: &str, append_separator: &str) -> Result<Self, Diagnostic> {
        let (leading, keys) = split(pattern)?;
        let mut names: Vec<String> = Vec::new();
        let appended: Vec<String> = keys
            .iter()
            .filter(|(key, _)| matches!(key.action, Use::Append | Use::AppendAt(_)))
            .map(|(key, _)| key.name.clone())
            .collect();
        let mut pieces = Vec::with_capacity(keys.len());
        for (key, delimiter) in keys {
            // A plain key takes part in appending when another key of its name does.
            let action = match key.action {
                Use::Value if appended.contains(&key.name) => Use::Append,
                action => action,
            };
            let column = (action != Use::Skip).then(|| {
                names.iter().position(|name| *name == key.name).unwrap_or_else(|| {
                    names.push(key.name);
                    names.len() - 1
                })
            });
            pieces.push(Piece { action, column, pads_right: key.pads_right, delimiter });
        }
        if names.is_empty() {
            return Err(Diagnostic::error(
                "esql::dissect-no-key",
                "this pattern has no key that gives a column",
            )
            .at(Span::new(0, pattern.len()))
            .help("write `%{name}` where the value of a new column stands"));
        }
        Ok(Self { leading, pieces, names, append_separator: append_separator.to_owned() })
    }

    /// The names of the new columns, each once, in the order in which they first stand in the pattern; all are keyword.
    pub fn keys(&self) -> &[String] {
        &self.names
    }

    /// The values of [`Self::keys`]; `None` when the text does not fit, and all columns are null.
    ///
    /// All delimiters must be found in order. Text after a delimiter that ends the pattern does not matter. Delimiters
    /// in a row are empty values, and count for the keys that follow even where these have other delimiters. A text no
    /// longer than what stands before the first key never fits.
    pub fn apply<'t>(&self, text: &'t str) -> Option<Vec<Cow<'t, str>>> {
        let mut taken = vec![Taken::Nothing; self.names.len()];
        let mut rest = text.strip_prefix(self.leading.as_str()).filter(|rest| !rest.is_empty())?;
        let mut pieces = self.pieces.iter().enumerate();
        while let Some((index, piece)) = pieces.next() {
            if piece.delimiter.is_empty() {
                put(&mut taken, piece, index, rest);
                break;
            }
            let (value, mut behind) = rest.split_once(piece.delimiter.as_str())?;
            put(&mut taken, piece, index, value);
            let mut pads_right = piece.pads_right;
            while let Some(next) = behind.strip_prefix(piece.delimiter.as_str()) {
                behind = next;
                if !pads_right {
                    let Some((index, piece)) = pieces.next() else { break };
                    put(&mut taken, piece, index, "");
                    pads_right = piece.pads_right;
                }
            }
            rest = behind;
        }
        Some(taken.into_iter().map(|taken| self.value(taken)).collect())
    }

    fn value<'t>(&self, taken: Taken<'t>) -> Cow<'t, str> {
        match taken {
            Taken::Nothing => Cow::Borrowed(""),
            Taken::Value(text) => Cow::Borrowed(text),
            Taken::Parts(mut parts) => {
                parts.sort_by_key(|(order, _)| *order);
                let texts: Vec<&str> = parts.into_iter().map(|(_, text)| text).collect();
                Cow::Owned(texts.join(&self.append_separator))
            }
        }
    }
}

fn put<'t>(taken: &mut [Taken<'t>], piece: &Piece, index: usize, text: &'t str) {
    let Some(slot) = piece.column.and_then(|column| taken.get_mut(column)) else { return };
    let order = match piece.action {
        Use::Skip => return,
        Use::Value => {
            *slot = Taken::Value(text);
            return;
        }
        // Those without a number come first, in the order of the pattern.
        Use::Append => i32::try_from(index).unwrap_or(i32::MAX).saturating_add(i32::MIN),
        Use::AppendAt(order) => i32::from(order),
    };
    match slot {
        Taken::Parts(parts) => parts.push((order, text)),
        _ => *slot = Taken::Parts(vec![(order, text)]),
    }
}

/// The text before the first key, and each key with the text behind it.
fn split(pattern: &str) -> Result<(String, Vec<(Key, String)>), Diagnostic> {
    let Some(first) = pattern.find("%{") else {
        return Err(Diagnostic::error("esql::dissect-no-key", "this pattern has no key")
            .at(Span::new(0, pattern.len()))
            .help("write `%{name}` where the value of a new column stands"));
    };
    let mut keys = Vec::new();
    let mut start = first;
    loop {
        let inside = start + "%{".len();
        let Some(length) = pattern[inside..].find('}') else {
            return Err(Diagnostic::error("esql::dissect-unclosed-key", "this key is not closed")
                .at(Span::new(start, pattern.len()))
                .help("close it with `}`"));
        };
        let behind = inside + length + 1;
        let key = key::parse(&pattern[inside..inside + length], Span::new(start, behind))?;
        match pattern[behind..].find("%{") {
            Some(0) => {
                return Err(Diagnostic::error(
                    "esql::dissect-no-delimiter",
                    "nothing stands between two keys",
                )
                .at(Span::new(start, behind + "%{".len()))
                .help("put the text that separates their values between them"));
            }
            Some(length) => {
                keys.push((key, pattern[behind..behind + length].to_owned()));
                start = behind + length;
            }
            None => {
                keys.push((key, pattern[behind..].to_owned()));
                return Ok((pattern[..first].to_owned(), keys));
            }
        }
    }
}
