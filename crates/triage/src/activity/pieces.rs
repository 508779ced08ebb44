//! A long list in pieces, so that it grows without being moved.

/// Items of one piece.
const PIECE: usize = 16_384;

/// A list that only grows at its end.
#[derive(Debug)]
pub(super) struct Pieces<T> {
    /// All but the last have [`PIECE`] items.
    pieces: Vec<Vec<T>>,
}

impl<T> Default for Pieces<T> {
    fn default() -> Self {
        Self { pieces: Vec::new() }
    }
}

impl<T> Pieces<T> {
    pub(super) fn push(&mut self, item: T) {
        match self.pieces.last_mut().filter(|piece| piece.len() < PIECE) {
            Some(piece) => piece.push(item),
            None => {
                // The first may stay the only one.
                let mut piece = if self.pieces.is_empty() { Vec::new() } else { Vec::with_capacity(PIECE) };
                piece.push(item);
                self.pieces.push(piece);
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        let before = self.pieces.len().saturating_sub(1) * PIECE;
        before + self.pieces.last().map_or(0, Vec::len)
    }

    pub(super) fn get(&self, at: usize) -> Option<&T> {
        self.pieces.get(at / PIECE)?.get(at % PIECE)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.pieces.iter().flatten()
    }
}

impl<T> FromIterator<T> for Pieces<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut pieces = Self::default();
        items.into_iter().for_each(|item| pieces.push(item));
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_list() {
        for many in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7] {
            let pieces: Pieces<usize> = (0..many).collect();
            assert_eq!(pieces.len(), many);
            assert!(pieces.iter().copied().eq(0..many));
            assert_eq!((pieces.get(many), pieces.get(many / 2)), (None, (0..many).nth(many / 2).as_ref()));
        }
    }
}
