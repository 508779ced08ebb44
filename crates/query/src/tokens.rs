//! The tokens of a query, and the place among them that a parser has come to.

use crate::Span;

/// What was read, and where it stood.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token<K> {
    pub(crate) kind: K,
    pub(crate) span: Span,
}

/// Tokens that are read one by one, with any look ahead.
pub(crate) struct Tokens<K> {
    tokens: Vec<Token<K>>,
    position: usize,
    end_of_text: usize,
}

impl<K: PartialEq> Tokens<K> {
    pub(crate) fn new(tokens: Vec<Token<K>>, text: &str) -> Self {
        Self { tokens, position: 0, end_of_text: text.len() }
    }

    /// True when the text holds no token at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// How many tokens have been taken.
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// Goes to another place, forwards or back.
    pub(crate) fn go_to(&mut self, position: usize) {
        self.position = position;
    }

    pub(crate) fn peek(&self) -> Option<&Token<K>> {
        self.peek_at(0)
    }

    pub(crate) fn peek_at(&self, ahead: usize) -> Option<&Token<K>> {
        self.tokens.get(self.position + ahead)
    }

    pub(crate) fn kind_at(&self, ahead: usize) -> Option<&K> {
        self.peek_at(ahead).map(|token| &token.kind)
    }

    pub(crate) fn is_at(&self, kind: &K) -> bool {
        self.kind_at(0) == Some(kind)
    }

    /// Takes the token when it is of this kind; where it stood.
    pub(crate) fn take(&mut self, kind: &K) -> Option<Span> {
        let span = self.peek().filter(|token| token.kind == *kind)?.span;
        self.position += 1;
        Some(span)
    }

    /// Takes a token of any kind; where it stood.
    pub(crate) fn advance(&mut self) -> Span {
        let span = self.current_span();
        self.position += 1;
        span
    }

    pub(crate) fn skip(&mut self, count: usize) {
        self.position += count;
    }

    pub(crate) fn skip_all(&mut self) {
        self.position = self.tokens.len();
    }

    /// The tokens that have not been taken.
    pub(crate) fn rest(&self) -> &[Token<K>] {
        self.tokens.get(self.position..).unwrap_or_default()
    }

    /// The tokens that have been taken since that place.
    pub(crate) fn taken_since(&self, position: usize) -> &[Token<K>] {
        self.tokens.get(position..self.position).unwrap_or_default()
    }

    /// Goes back to that place and puts another token there.
    pub(crate) fn put_back(&mut self, position: usize, token: Token<K>) {
        if let Some(old) = self.tokens.get_mut(position) {
            *old = token;
            self.position = position;
        }
    }

    /// Of the next token; the end of the text when there is none.
    pub(crate) fn current_span(&self) -> Span {
        self.peek().map_or(Span::new(self.end_of_text, self.end_of_text), |token| token.span)
    }

    pub(crate) fn previous(&self) -> Option<&Token<K>> {
        let taken = self.tokens.len().min(self.position);
        self.tokens.get(taken.checked_sub(1)?)
    }

    /// Of the token before; the start of the text when there is none.
    pub(crate) fn previous_span(&self) -> Span {
        self.previous().map_or(Span::default(), |token| token.span)
    }
}

#[cfg(test)]
mod tests {
    use super::{Token, Tokens};
    use crate::Span;

    fn tokens() -> Tokens<char> {
        let at = |place: usize, kind| Token { kind, span: Span::new(place, place + 1) };
        Tokens::new(vec![at(0, 'a'), at(1, 'b')], "ab ")
    }

    #[test]
    fn spans_are_known_at_both_ends() {
        let mut tokens = tokens();
        assert_eq!((tokens.previous_span(), tokens.current_span()), (Span::default(), Span::new(0, 1)));
        assert_eq!(tokens.take(&'b'), None);
        assert_eq!((tokens.take(&'a'), tokens.advance()), (Some(Span::new(0, 1)), Span::new(1, 2)));
        assert_eq!((tokens.previous_span(), tokens.current_span()), (Span::new(1, 2), Span::new(3, 3)));
        tokens.advance();
        assert_eq!((tokens.previous_span(), tokens.rest().len()), (Span::new(1, 2), 0));
    }

    #[test]
    fn a_token_can_be_put_back() {
        let mut tokens = tokens();
        tokens.skip_all();
        tokens.put_back(1, Token { kind: 'c', span: Span::new(2, 3) });
        assert_eq!((tokens.position(), tokens.kind_at(0), tokens.kind_at(1)), (1, Some(&'c'), None));
        tokens.put_back(2, Token { kind: 'd', span: Span::new(2, 3) });
        assert_eq!(tokens.position(), 1);
    }
}
