//! Reads what stands behind a backslash.

use query::Diagnostic;
use regex_syntax::hir::ClassUnicode;

use super::{
    flags::Dialect,
    named_class,
    parser::Parser,
    tree::{Anchor, LINE_BREAKS, LineBreaks, Node, all_but, range, set},
};

/// What an escape means inside and outside of classes alike.
pub(super) enum Escaped {
    Character(char),
    Set(ClassUnicode),
}

impl Parser<'_, '_> {
    /// Reads an escape whose backslash, at `start`, was taken.
    pub(super) fn escape(&mut self, start: usize) -> Result<Node, Diagnostic> {
        let java = self.flags.dialect == Dialect::Java;
        let Some(c) = self.peek() else { return Err(self.lone_backslash(start)) };
        let anchor = match c {
            'A' => Some(Anchor::TextStart),
            // One search has one start.
            'G' if !java => Some(Anchor::TextStart),
            'z' => Some(Anchor::TextEnd),
            'Z' => {
                Some(Anchor::FinalLineEnd(if java { self.flags.line_breaks() } else { LineBreaks::Newline }))
            }
            'b' | 'B' => {
                // Ruby's borders know all letters, even where its `\w` does not.
                let unicode = !java || self.flags.unicode_classes;
                Some(Anchor::WordBorder { unicode, negated: c == 'B' })
            }
            _ => None,
        };
        if let Some(anchor) = anchor {
            self.position += 1;
            if c == 'b' && self.rest().starts_with("{g}") {
                return Err(self.not_supported("`\\b{g}`", start));
            }
            return Ok(Node::Anchor(anchor));
        }
        match c {
            'E' if java => {
                self.position += 1;
                return Ok(Node::Empty);
            }
            'R' => {
                self.position += 1;
                let mut one = set(LINE_BREAKS);
                one.union(&range('\n', '\r'));
                let pair = Node::Concat(vec![Node::One(set(['\r'])), Node::One(set(['\n']))]);
                let node = Node::Either(vec![pair, Node::One(one)]);
                return Ok(if java { node } else { Node::Atomic(Box::new(node)) });
            }
            // What was matched so far would not belong to the match; no output depends on it.
            'K' if !java => {
                self.position += 1;
                return Ok(Node::Empty);
            }
            'X' | 'G' => {
                self.position += 1;
                return Err(self.not_supported(&format!("`\\{c}`"), start));
            }
            'k' => {
                self.position += 1;
                return self.named_reference(start);
            }
            'g' if !java => {
                self.position += 1;
                return Err(self.not_supported("calling a group with `\\g`", start));
            }
            '1'..='9' => return self.numbered_reference(start),
            _ => {}
        }
        Ok(match self.escaped(start)? {
            Escaped::Character(c) => self.literal(c),
            Escaped::Set(class) => Node::One(class),
        })
    }

    /// An escape that stands for a character or a set; the backslash was taken.
    pub(super) fn escaped(&mut self, start: usize) -> Result<Escaped, Diagnostic> {
        let java = self.flags.dialect == Dialect::Java;
        let Some(c) = self.next() else { return Err(self.lone_backslash(start)) };
        if let Some(class) = named_class::of_letter(c, self.flags) {
            return Ok(Escaped::Set(class));
        }
        Ok(Escaped::Character(match c {
            't' => '\t',
            'n' => '\n',
            'r' => '\r',
            'f' => '\x0C',
            'a' => '\x07',
            'e' => '\x1B',
            'v' if !java => '\x0B',
            'p' | 'P' => {
                let mut class = self.property(start)?;
                if c == 'P' {
                    class.negate();
                }
                return Ok(Escaped::Set(class));
            }
            'x' => self.hexadecimal(start)?,
            'u' if java => self.utf16(start)?,
            '0'..='7' if c == '0' || !java => {
                self.position -= usize::from(c != '0');
                self.number(8, 3, start)?
            }
            'c' => match self.next() {
                Some(letter) if letter.is_ascii() && java => char::from(letter as u8 ^ 0x40),
                Some(letter) if letter.is_ascii() => char::from(letter as u8 & 0x1F),
                _ => return Err(self.bad_escape("`\\c` has no letter", start)),
            },
            'N' if java => return Err(self.not_supported("a character by its name (`\\N`)", start)),
            c if java && c.is_ascii_alphanumeric() => {
                let message = format!("`\\{c}` has no meaning");
                return Err(self.bad_escape(&message, start));
            }
            other => other,
        }))
    }

    /// `\p{…}`, `\pL` behind the letter.
    fn property(&mut self, start: usize) -> Result<ClassUnicode, Diagnostic> {
        let java = self.flags.dialect == Dialect::Java;
        let name = if self.take("{") {
            match self.take_until('}') {
                Some(name) => name.to_owned(),
                None => return Err(self.bad_escape("the name of the class is not closed", start)),
            }
        } else {
            self.next().map(String::from).unwrap_or_default()
        };
        let (plain, negated) = match name.strip_prefix('^') {
            Some(plain) if !java => (plain, true),
            _ => (name.as_str(), false),
        };
        match named_class::property(plain, self.flags) {
            Some(class) => {
                let class = self.flags.fold(class);
                Ok(if negated { all_but(class) } else { class })
            }
            None => {
                let message = format!("there is no class of characters named `{name}`");
                Err(self.bad_escape(&message, start))
            }
        }
    }

    /// `\x41` or `\x{1F525}` behind the letter.
    fn hexadecimal(&mut self, start: usize) -> Result<char, Diagnostic> {
        if self.take("{") {
            let digits = self.take_until('}').unwrap_or_default();
            let c = u32::from_str_radix(digits, 16)
                .ok()
                .filter(|_| !digits.starts_with('+'))
                .and_then(char::from_u32);
            return c.ok_or_else(|| self.bad_escape("this is no character", start));
        }
        let c = self.number(16, 2, start)?;
        // In Ruby these are bytes, several of which make a character.
        if self.flags.dialect == Dialect::Oniguruma && !c.is_ascii() {
            return Err(self
                .bad_escape("this is part of a character only", start)
                .help("write the character itself, or `\\x{e9}`"));
        }
        Ok(c)
    }

    /// Up to `most` digits; Java's octal numbers end at `\377`.
    fn number(&mut self, radix: u32, most: usize, start: usize) -> Result<char, Diagnostic> {
        let java = self.flags.dialect == Dialect::Java;
        let (mut value, mut count) = (0u32, 0);
        while count < most
            && let Some(digit) = self.peek().and_then(|c| c.to_digit(radix))
            && value * radix + digit <= 0xFF
        {
            value = value * radix + digit;
            count += 1;
            self.position += 1;
        }
        let complete = match (java, radix) {
            (true, 16) => count == 2,
            (true, _) => count > 0,
            (false, _) => true,
        };
        match char::from_u32(value) {
            Some(c) if complete => Ok(c),
            _ => Err(self.bad_escape("this escape lacks digits", start)),
        }
    }

    /// Java's `\uD83D\uDD25` behind the `u`.
    fn utf16(&mut self, start: usize) -> Result<char, Diagnostic> {
        let unit = |parser: &mut Self| {
            let digits = parser.rest().get(..4)?;
            let unit = u16::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))?;
            parser.position += 4;
            Some(unit)
        };
        let mut units = Vec::from_iter(unit(self));
        if units.first().is_some_and(|first| (0xD800..0xDC00).contains(first)) && self.take("\\u") {
            units.extend(unit(self));
        }
        match char::decode_utf16(units).collect::<Result<Vec<_>, _>>().as_deref() {
            Ok([c]) => Ok(*c),
            _ => Err(self.bad_escape("this is no character", start)),
        }
    }

    /// What stands up to `\E`, which is taken too.
    pub(super) fn quotation(&mut self) -> String {
        let rest = self.rest();
        let quoted = rest.split_once("\\E").map_or(rest, |(quoted, _)| quoted);
        self.position = (self.position + quoted.len() + "\\E".len()).min(self.text.len());
        quoted.to_owned()
    }

    /// `\1`, as many digits as there are groups for.
    fn numbered_reference(&mut self, start: usize) -> Result<Node, Diagnostic> {
        if self.flags.dialect == Dialect::Oniguruma {
            self.position += 1;
            return Err(self
                .fault("esql::regex-reference", "groups have names here, not numbers", start, self.position)
                .help("write `(?<name>…)` and `\\k<name>`"));
        }
        let mut number = 0usize;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            let longer = number.saturating_mul(10).saturating_add(digit as usize);
            if number > 0 && longer > self.shared.groups.len() {
                break;
            }
            number = longer;
            self.position += 1;
        }
        let span = self.span(start, self.position);
        self.shared.numbered_references.push((number, span));
        Ok(Node::SameAs { groups: vec![number], caseless: self.flags.caseless })
    }

    /// `\k<name>` behind the `k`.
    fn named_reference(&mut self, start: usize) -> Result<Node, Diagnostic> {
        let name = if self.take("<") { self.take_until('>') } else { None };
        let Some(name) = name else { return Err(self.bad_escape("`\\k` is followed by `<name>`", start)) };
        let groups: Vec<usize> = (1..=self.shared.groups.len())
            .rev()
            .filter(|number| self.shared.groups[number - 1].as_deref() == Some(name))
            .collect();
        if groups.is_empty() {
            let message = format!("there is no group named `{name}` before this");
            return Err(self.fault("esql::regex-reference", message, start, self.position));
        }
        Ok(Node::SameAs { groups, caseless: self.flags.caseless })
    }

    fn lone_backslash(&self, start: usize) -> Diagnostic {
        self.bad_escape("nothing stands behind this backslash", start)
            .help("write `\\\\` for the sign itself")
    }

    fn bad_escape(&self, message: &str, start: usize) -> Diagnostic {
        self.fault("esql::regex-escape", message, start, self.position)
    }
}
