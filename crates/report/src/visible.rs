//! Characters that could deceive a reader or a program, made visible.

/// The text with control characters, but for line feed and tab, and with characters that turn the direction of writing
/// or show nothing, and with those that are no characters, as `\u{…}`.
///
/// Source of the characters: Unicode Technical Report 36, and CVE-2021-42574.
pub(crate) fn visible(text: String) -> String {
    if !text.chars().any(deceives) {
        return text;
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if deceives(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

fn deceives(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t'))
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || (c as u32 & 0xfffe) == 0xfffe
        || matches!(c, '\u{fdd0}'..='\u{fdef}')
        || matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// One cell of a CSV file: [`visible`], on one line, and with a quote in front of what a spreadsheet would compute.
///
/// Source: OWASP, "CSV Injection".
pub(crate) fn csv_cell(text: &str) -> String {
    let text = visible(text.to_owned()).replace('\n', "\\n").replace('\t', "\\t");
    if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_deceives() {
        for (text, shown) in [
            ("plain é 漢", "plain é 漢"),
            ("a\u{1b}[2J", "a\\u{1b}[2J"),
            ("x\u{202e}gpj.exe", "x\\u{202e}gpj.exe"),
            ("zero\u{200b}width\0", "zero\\u{200b}width\\u{0}"),
            ("lines\n\tstay", "lines\n\tstay"),
            ("\u{fffd}", "\u{fffd}"),
        ] {
            assert_eq!(visible(text.to_owned()), shown);
        }
    }

    #[test]
    fn no_cell_is_computed() {
        for (cell, safe) in [
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-1", "'-1"),
            ("+1", "'+1"),
            ("\t=1", "\\t=1"),
            ("\r=1", "\\u{d}=1"),
            ("a\nb", "a\\nb"),
            ("", ""),
        ] {
            assert_eq!(csv_cell(cell), safe);
        }
    }
}
