//! Sets of characters that have a name: `\w`, `\p{Alpha}`, `[:digit:]`.

use regex_syntax::hir::{Class, ClassUnicode, HirKind};

use super::{
    flags::{Dialect, Flags},
    tree::{LINE_BREAKS, all_but, range, set},
};

/// The set of a letter behind a backslash, if it means one: `\d`, `\W`, `\h`.
pub(super) fn of_letter(letter: char, flags: Flags) -> Option<ClassUnicode> {
    let class = match (letter.to_ascii_lowercase(), flags.dialect) {
        ('d', _) => posix("digit", flags.unicode_classes),
        ('w', _) => posix("word", flags.unicode_classes),
        ('s', _) => posix("space", flags.unicode_classes),
        ('h', Dialect::Oniguruma) => posix("xdigit", false),
        ('h', Dialect::Java) => {
            let mut spaces =
                set([' ', '\t', '\u{A0}', '\u{1680}', '\u{180E}', '\u{202F}', '\u{205F}', '\u{3000}']);
            spaces.union(&range('\u{2000}', '\u{200A}'));
            Some(spaces)
        }
        ('v', Dialect::Java) => {
            let mut breaks = set(LINE_BREAKS);
            breaks.union(&set(['\x0B', '\x0C']));
            Some(breaks)
        }
        _ => None,
    }?;
    Some(if letter.is_ascii_uppercase() { all_but(class) } else { class })
}

/// A POSIX class, by its name in lower case; of ASCII, or of all characters.
pub(super) fn posix(name: &str, unicode: bool) -> Option<ClassUnicode> {
    let inner = match (name, unicode) {
        ("ascii", _) => r"\x00-\x7F",
        ("alpha", false) => "A-Za-z",
        ("digit", false) => "0-9",
        ("alnum", false) => "0-9A-Za-z",
        ("upper", false) => "A-Z",
        ("lower", false) => "a-z",
        ("word", false) => "0-9A-Za-z_",
        ("punct", false) => "!-/:-@\\[-`{-~",
        ("graph", false) => "!-~",
        ("print", false) => " -~",
        ("blank", false) => r" \t",
        ("cntrl", false) => r"\x00-\x1F\x7F",
        ("xdigit", false) => "0-9A-Fa-f",
        ("space", false) => r"\t-\r ",
        ("alpha", true) => r"\p{Alphabetic}",
        ("digit", true) => r"\p{Nd}",
        ("alnum", true) => r"\p{Alphabetic}\p{Nd}",
        ("upper", true) => r"\p{Uppercase}",
        ("lower", true) => r"\p{Lowercase}",
        ("word", true) => r"\w",
        ("punct", true) => r"\p{P}$+<=>^`|~",
        ("graph", true) => r"\P{C}&&\P{White_Space}",
        ("print", true) => r"\P{C}",
        ("blank", true) => r"\p{Zs}\t",
        ("cntrl", true) => r"\p{Cc}",
        ("xdigit", true) => r"\p{Nd}\p{Hex_Digit}",
        ("space", true) => r"\p{White_Space}",
        _ => return None,
    };
    from_syntax(&format!("[{inner}]"))
}

/// The set of `\p{name}`, without looking at a leading `^`.
pub(super) fn property(name: &str, flags: Flags) -> Option<ClassUnicode> {
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b' ' | b'-' | b'=')) {
        return None;
    }
    match flags.dialect {
        Dialect::Oniguruma => {
            let plain: String = name
                .chars()
                .filter(|c| !matches!(c, '_' | ' ' | '-'))
                .collect::<String>()
                .to_ascii_lowercase();
            posix(&plain, true).or_else(|| unicode(name))
        }
        Dialect::Java => java_property(name, flags),
    }
}

fn java_property(name: &str, flags: Flags) -> Option<ClassUnicode> {
    if let Some((key, value)) = name.split_once('=') {
        return match key.to_ascii_lowercase().as_str() {
            "sc" | "script" => unicode(&format!("sc={value}")),
            "gc" | "general_category" => unicode(&format!("gc={value}")),
            _ => None,
        };
    }
    const POSIX: [&str; 13] = [
        "Lower", "Upper", "ASCII", "Alpha", "Digit", "Alnum", "Punct", "Graph", "Print", "Blank", "Cntrl",
        "XDigit", "Space",
    ];
    if POSIX.contains(&name) {
        return posix(&name.to_ascii_lowercase(), flags.unicode_classes);
    }
    match name {
        "L1" => return Some(range('\0', '\u{FF}')),
        "all" | "ALL" => return Some(range('\0', char::MAX)),
        "LD" | "javaLetterOrDigit" => return from_syntax(r"[\p{L}\p{Nd}]"),
        "javaLowerCase" => return unicode("Lowercase"),
        "javaUpperCase" => return unicode("Uppercase"),
        "javaTitleCase" => return unicode("Lt"),
        "javaDigit" => return unicode("Nd"),
        "javaLetter" => return unicode("L"),
        "javaAlphabetic" => return unicode("Alphabetic"),
        "javaIdeographic" => return unicode("Ideographic"),
        "javaSpaceChar" => return unicode("Z"),
        "javaWhitespace" => return from_syntax(r"[\p{Z}\t-\r\x1C-\x1F&&[^\u{A0}\u{2007}\u{202F}]]"),
        "javaISOControl" => return unicode("Cc"),
        _ => {}
    }
    match name.strip_prefix("Is") {
        Some(rest)
            if ["digit", "alnum", "punctuation", "control"].contains(&rest.to_ascii_lowercase().as_str()) =>
        {
            let plain = match rest.to_ascii_lowercase().as_str() {
                "punctuation" => return unicode("P"),
                "control" => "cntrl".to_owned(),
                plain => plain.to_owned(),
            };
            posix(&plain, true)
        }
        Some(rest) => unicode(rest),
        // Blocks have no counterpart.
        None if name.starts_with("In") => None,
        None => unicode(name),
    }
}

/// A category, script or binary property of Unicode.
fn unicode(name: &str) -> Option<ClassUnicode> {
    from_syntax(&format!(r"\p{{{name}}}"))
}

fn from_syntax(expression: &str) -> Option<ClassUnicode> {
    match regex_syntax::parse(expression).ok()?.into_kind() {
        HirKind::Class(Class::Unicode(class)) => Some(class),
        HirKind::Class(Class::Bytes(class)) => class.to_unicode_class(),
        HirKind::Literal(literal) => {
            let text = str::from_utf8(&literal.0).ok()?;
            Some(set(text.chars()))
        }
        _ => None,
    }
}
