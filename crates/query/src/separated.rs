//! Items of a list as text, with something between them.

use std::fmt::{Formatter, Result};

/// Writes each item, and the separator between two.
pub(crate) fn write_separated<T>(
    f: &mut Formatter<'_>,
    items: impl IntoIterator<Item = T>,
    separator: &str,
    write: impl Fn(&mut Formatter<'_>, T) -> Result,
) -> Result {
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            f.write_str(separator)?;
        }
        write(f, item)?;
    }
    Ok(())
}
