//! ES|QL names and patterns of names as text, in backquotes where they must be.

use std::fmt::{Display, Formatter, Result, Write};

use super::ast::{NamePart, NamePattern};
use super::token::{is_plain_name, is_plain_pattern};
use crate::ql::name::{backquoted, write_dotted};

impl Display for NamePattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        // The pieces of each part between dots.
        let mut parts: Vec<Vec<NamePart>> = vec![Vec::new()];
        for piece in &self.parts {
            match piece {
                NamePart::Any => {
                    if let Some(part) = parts.last_mut() {
                        part.push(NamePart::Any);
                    }
                }
                NamePart::Text(text) => {
                    for (index, text) in text.split('.').enumerate() {
                        if index > 0 {
                            parts.push(Vec::new());
                        }
                        if let Some(part) = parts.last_mut().filter(|_| !text.is_empty()) {
                            part.push(NamePart::Text(text.to_owned()));
                        }
                    }
                }
            }
        }
        if parts.iter().any(Vec::is_empty) {
            return self.parts.iter().try_for_each(|piece| match piece {
                NamePart::Any => f.write_char('*'),
                NamePart::Text(text) => f.write_str(&backquoted(text)),
            });
        }
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                f.write_char('.')?;
            }
            let bare: String = part
                .iter()
                .map(|piece| match piece {
                    NamePart::Any => "*",
                    NamePart::Text(text) => text,
                })
                .collect();
            let has_star =
                part.iter().any(|piece| matches!(piece, NamePart::Text(text) if text.contains('*')));
            if is_plain_pattern(&bare) && !has_star {
                f.write_str(&bare)?;
                continue;
            }
            for piece in part {
                match piece {
                    NamePart::Any => f.write_char('*')?,
                    NamePart::Text(text) => f.write_str(&backquoted(text))?,
                }
            }
        }
        Ok(())
    }
}

/// A name whose parts are in backquotes where they must be.
pub(super) fn dotted(f: &mut Formatter<'_>, name: &str) -> Result {
    write_dotted(f, name, is_plain_name)
}

/// A name of one word, in backquotes where it must be.
pub(super) fn word(f: &mut Formatter<'_>, name: &str) -> Result {
    if is_plain_name(name, false) { f.write_str(name) } else { f.write_str(&backquoted(name)) }
}
