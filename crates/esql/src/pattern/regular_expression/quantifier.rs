//! Reads how often something is repeated: `*`, `+`, `?`, `{2,3}`, lazy and possessive.

use query::Diagnostic;

use super::{
    flags::Dialect,
    parser::Parser,
    tree::{Greed, Node, Repeat},
};

/// More would only fail later, when the engines refuse so large an expression.
const MOST: u32 = 100_000;

impl Parser<'_, '_> {
    /// `node`, which began at `start`, with what stands behind it that repeats it.
    pub(super) fn quantified(&mut self, mut node: Node, start: usize) -> Result<Node, Diagnostic> {
        let java = self.flags.dialect == Dialect::Java;
        let mut rounds = 0;
        loop {
            self.skip_comments();
            let at = self.position;
            let (least, most, counted) = if self.take("*") {
                (0, None, false)
            } else if self.take("+") {
                (1, None, false)
            } else if self.take("?") {
                (0, Some(1), false)
            } else if self.peek() == Some('{') {
                match self.counts(at)? {
                    Some((least, most)) => (least, most, true),
                    None => return Ok(node),
                }
            } else {
                return Ok(node);
            };
            rounds += 1;
            // Java knows no repetition of a repetition; each one makes the tree deeper.
            if rounds > if java { 1 } else { 4 } {
                return Err(self
                    .fault("esql::regex-repeat", "a repetition is repeated here", at, self.position)
                    .help("put what is repeated into `(?:…)`"));
            }
            // Ruby has neither lazy exact counts nor possessive counts: the sign is a repetition of its own.
            let greed = if self.peek() == Some('+') && (java || !counted) {
                self.position += 1;
                Greed::Possessive
            } else if self.peek() == Some('?') && (java || !counted || most != Some(least)) {
                self.position += 1;
                Greed::Least
            } else {
                Greed::Most
            };
            if most.is_some_and(|most| most < least) || least > MOST || most.is_some_and(|most| most > MOST) {
                let message = "this repetition has no valid limits";
                return Err(self
                    .fault("esql::regex-repeat", message, at, self.position)
                    .help(format!("the lower limit comes first; {MOST} is the most")));
            }
            if self.position == start {
                return Ok(node);
            }
            node = node.repeat(Repeat { least, most, greed });
        }
    }

    /// Reads `{n}`, `{n,}` or `{n,m}`; where Ruby takes the bracket for a sign, nothing is taken.
    fn counts(&mut self, at: usize) -> Result<Option<(u32, Option<u32>)>, Diagnostic> {
        let java = self.flags.dialect == Dialect::Java;
        let inside = self.rest().get(1..).and_then(|rest| rest.split_once('}')).map(|(inside, _)| inside);
        let counts = inside.and_then(|inside| {
            // Digits only: `parse` would also take a sign. Too large a number is refused by the caller.
            let number = |text: &str| {
                let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                digits.then(|| text.parse().unwrap_or(u32::MAX))
            };
            match inside.split_once(',') {
                None => number(inside).map(|count| (count, Some(count))),
                Some((least, "")) => number(least).map(|least| (least, None)),
                Some(("", most)) if !java => number(most).map(|most| (0, Some(most))),
                Some((least, most)) => Some((number(least)?, Some(number(most)?))),
            }
        });
        match (counts, inside) {
            (Some(counts), Some(inside)) => {
                self.position += inside.len() + "{}".len();
                Ok(Some(counts))
            }
            _ if java => Err(self
                .fault(
                    "esql::regex-repeat",
                    "this repetition is not of the form `{2}`, `{2,}` or `{2,3}`",
                    at,
                    at + 1,
                )
                .help("write `\\{` for the sign itself")),
            _ => Ok(None),
        }
    }
}
