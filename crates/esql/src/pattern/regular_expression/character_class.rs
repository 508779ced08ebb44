//! Reads what stands in square brackets: characters, ranges, sets in sets, intersections.

use query::Diagnostic;
use regex_syntax::hir::ClassUnicode;

use super::{
    escape::Escaped,
    flags::Dialect,
    named_class,
    parser::Parser,
    tree::{all_but, range},
};

/// Classes within classes.
const DEEPEST: usize = 30;

impl Parser<'_, '_> {
    /// Reads a class whose `[`, at `start`, was taken.
    pub(super) fn bracketed(&mut self, start: usize) -> Result<ClassUnicode, Diagnostic> {
        self.class_in(start, 0)
    }

    fn class_in(&mut self, start: usize, depth: usize) -> Result<ClassUnicode, Diagnostic> {
        let java = self.flags.dialect == Dialect::Java;
        if depth > DEEPEST {
            return Err(self.fault("esql::regex-depth", "classes are nested too deeply", start, start + 1));
        }
        let negated = self.take("^");
        let mut intersection: Option<ClassUnicode> = None;
        let mut class = ClassUnicode::empty();
        let mut first = true;
        loop {
            if java {
                self.skip_comments();
            }
            let at = self.position;
            let Some(c) = self.next() else { return Err(self.unclosed_class(start)) };
            match c {
                // A bracket in the first place is a character when another one closes the class.
                ']' if first && !java && !self.rest().contains(']') => {
                    return Err(self
                        .fault("esql::regex-class", "this class of characters is empty", start, self.position)
                        .help("write `\\[` and `\\]` for the signs themselves"));
                }
                ']' if !first => break,
                '[' => match self.posix_class(at)? {
                    Some(posix) => class.union(&posix),
                    None => class.union(&self.class_in(at, depth + 1)?),
                },
                '&' if self.take("&") => {
                    // In Java an intersection may begin with nothing, which counts for all.
                    let left = std::mem::replace(&mut class, ClassUnicode::empty());
                    match &mut intersection {
                        Some(sets) => sets.intersect(&left),
                        None if first => {}
                        None => intersection = Some(left),
                    }
                    first = false;
                    continue;
                }
                '\\' if java && self.take("Q") => {
                    for quoted in self.quotation().chars() {
                        class.union(&self.flags.fold(range(quoted, quoted)));
                    }
                }
                '\\' if java && self.take("E") => {}
                c => {
                    let low = self.member(c, at)?;
                    let one = match low {
                        Escaped::Set(set) => set,
                        Escaped::Character(low) => {
                            let high = self.range_end(low, at)?;
                            self.flags.fold(range(low, high))
                        }
                    };
                    class.union(&one);
                }
            }
            first = false;
        }
        if let Some(mut sets) = intersection {
            sets.intersect(&class);
            class = sets;
        }
        Ok(if negated { all_but(class) } else { class })
    }

    /// A character of a class, or an escape.
    fn member(&mut self, c: char, at: usize) -> Result<Escaped, Diagnostic> {
        if c != '\\' {
            return Ok(Escaped::Character(c));
        }
        // Ruby's backspace; in Java it has no meaning here.
        if self.flags.dialect == Dialect::Oniguruma && self.take("b") {
            return Ok(Escaped::Character('\x08'));
        }
        self.escaped(at)
    }

    /// The last character of a range that begins with `low`, at `at`; `low` itself when there is none.
    fn range_end(&mut self, low: char, at: usize) -> Result<char, Diagnostic> {
        let here = self.position;
        if !self.take("-") {
            return Ok(low);
        }
        let behind = self.position;
        match self.next() {
            // The dash is a character.
            None | Some(']' | '[') => {
                self.position = here;
                Ok(low)
            }
            Some('&') if self.rest().starts_with('&') => {
                self.position = here;
                Ok(low)
            }
            Some(c) => match self.member(c, behind)? {
                Escaped::Character(high) if high < low => Err(self
                    .fault("esql::regex-class", "this range ends before it begins", at, self.position)
                    .help("write `\\-` for a dash")),
                Escaped::Character(high) => Ok(high),
                Escaped::Set(_) => {
                    self.position = here;
                    Ok(low)
                }
            },
        }
    }

    /// `[:alpha:]` behind the first bracket, in the dialect that has it.
    fn posix_class(&mut self, start: usize) -> Result<Option<ClassUnicode>, Diagnostic> {
        if self.flags.dialect == Dialect::Java || !self.rest().starts_with(':') {
            return Ok(None);
        }
        let Some((inside, _)) = self.rest().split_once(":]") else { return Ok(None) };
        let name = inside.trim_start_matches(':');
        let (plain, negated) = name.strip_prefix('^').map_or((name, false), |plain| (plain, true));
        if plain.is_empty() || !plain.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return Ok(None);
        }
        self.position += inside.len() + ":]".len();
        match named_class::posix(plain, true) {
            Some(class) => {
                let class = self.flags.fold(class);
                Ok(Some(if negated { all_but(class) } else { class }))
            }
            None => {
                let message = format!("there is no class of characters named `{plain}`");
                Err(self.fault("esql::regex-class", message, start, self.position))
            }
        }
    }

    fn unclosed_class(&self, start: usize) -> Diagnostic {
        self.fault("esql::regex-class", "this class of characters is not closed", start, start + 1)
            .help("close it with `]`, or write `\\[` for the sign itself")
    }
}
