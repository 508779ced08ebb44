//! What changes the meaning of signs: the dialect, and the flags that an expression sets inside itself.

use regex_syntax::hir::ClassUnicode;

use super::tree::{LINE_BREAKS, LineBreaks, all_but, range, set};

/// Whose regular expressions they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pattern) enum Dialect {
    /// `java.util.regex.Pattern` without flags, as of Java 21.
    Java,
    /// Oniguruma with Ruby's syntax, as joni has it: `^` and `$` are about lines, `(?m)` makes `.` match `\n`.
    Oniguruma,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flags {
    pub(super) dialect: Dialect,
    pub(super) caseless: bool,
    /// Whether `.` matches line breaks.
    pub(super) dot_all: bool,
    /// Whether `^` and `$` are about lines.
    pub(super) lines: bool,
    /// Java's `(?d)`: only `\n` ends a line.
    pub(super) unix_lines: bool,
    /// Whether white space and comments do not count.
    pub(super) extended: bool,
    /// Whether letters beyond ASCII have a case.
    pub(super) unicode_case: bool,
    /// Whether `\w`, `\d`, `\s` and POSIX classes reach beyond ASCII.
    pub(super) unicode_classes: bool,
}

impl Flags {
    pub(super) fn new(dialect: Dialect) -> Self {
        let ruby = dialect == Dialect::Oniguruma;
        Self {
            dialect,
            caseless: false,
            dot_all: false,
            lines: ruby,
            unix_lines: ruby,
            extended: false,
            unicode_case: ruby,
            unicode_classes: false,
        }
    }

    /// Sets or clears a flag; false when the dialect has no such flag.
    pub(super) fn set(&mut self, flag: char, on: bool) -> bool {
        match (self.dialect, flag) {
            (_, 'i') => self.caseless = on,
            (_, 'x') => self.extended = on,
            (Dialect::Java, 's') | (Dialect::Oniguruma, 'm') => self.dot_all = on,
            (Dialect::Java, 'm') => self.lines = on,
            (Dialect::Java, 'd') => self.unix_lines = on,
            (Dialect::Java, 'u') => self.unicode_case = on,
            (Dialect::Java, 'U') => {
                self.unicode_classes = on;
                self.unicode_case = on;
            }
            (Dialect::Oniguruma, 'u') if on => self.unicode_classes = true,
            (Dialect::Oniguruma, 'a' | 'd') if on => self.unicode_classes = false,
            _ => return false,
        }
        true
    }

    pub(super) fn line_breaks(self) -> LineBreaks {
        if self.unix_lines { LineBreaks::Newline } else { LineBreaks::Any }
    }

    /// What `.` matches.
    pub(super) fn dot(self) -> ClassUnicode {
        if self.dot_all {
            range('\0', char::MAX)
        } else if self.unix_lines {
            all_but(set(['\n']))
        } else {
            all_but(set(LINE_BREAKS))
        }
    }

    /// The set and, when case does not matter, the other cases of its letters.
    pub(super) fn fold(self, mut class: ClassUnicode) -> ClassUnicode {
        if self.caseless {
            if self.unicode_case {
                class.case_fold_simple();
            } else {
                let mut letters = range('A', 'Z');
                letters.union(&range('a', 'z'));
                letters.intersect(&class);
                letters.case_fold_simple();
                // Folding by Unicode adds the Kelvin sign and the long s.
                letters.intersect(&range('\0', '\x7F'));
                class.union(&letters);
            }
        }
        class
    }
}
