//! A place in a text that is read from left to right.

use crate::Span;

/// Stands between two characters of the text. Lengths and positions are in bytes and end on character borders.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    position: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, position: 0 }
    }

    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// Goes to another place in the text, forwards or back.
    pub(crate) fn go_to(&mut self, position: usize) {
        self.position = position;
    }

    /// All that has been read.
    pub(crate) fn before(&self) -> &'a str {
        &self.text[..self.position]
    }

    /// All that has not been read.
    pub(crate) fn rest(&self) -> &'a str {
        &self.text[self.position..]
    }

    /// The next character, which stays.
    pub(crate) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Goes on by so many bytes.
    pub(crate) fn advance(&mut self, length: usize) {
        self.position += length;
    }

    /// Takes the next character when it is this one.
    pub(crate) fn take(&mut self, expected: char) -> bool {
        let found = self.rest().starts_with(expected);
        if found {
            self.position += expected.len_utf8();
        }
        found
    }

    /// Takes characters for as long as they belong; what was taken.
    pub(crate) fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|next| !belongs(next)).unwrap_or(rest.len());
        self.position += length;
        &rest[..length]
    }

    /// Takes all that is left.
    pub(crate) fn take_rest(&mut self) -> &'a str {
        let rest = self.rest();
        self.position = self.text.len();
        rest
    }

    /// From `start` to here.
    pub(crate) fn span_from(&self, start: usize) -> Span {
        Span::new(start, self.position)
    }

    /// The text from `start` to here.
    pub(crate) fn text_from(&self, start: usize) -> &'a str {
        &self.text[start..self.position]
    }
}

#[cfg(test)]
mod tests {
    use super::Cursor;
    use crate::Span;

    #[test]
    fn takes_whole_characters_and_stops_at_the_end() {
        let mut cursor = Cursor::new("äb1");
        assert!(!cursor.take('b'));
        assert!(cursor.take('ä'));
        assert_eq!((cursor.before(), cursor.rest(), cursor.peek()), ("ä", "b1", Some('b')));
        assert_eq!(cursor.take_while(char::is_alphabetic), "b");
        assert_eq!(cursor.take_while(char::is_alphabetic), "");
        assert_eq!((cursor.span_from(2), cursor.text_from(2)), (Span::new(2, 3), "b"));
        assert_eq!(cursor.take_rest(), "1");
        assert_eq!((cursor.position(), cursor.peek(), cursor.take_rest()), (4, None, ""));
        cursor.go_to(0);
        assert_eq!(cursor.peek(), Some('ä'));
    }
}
