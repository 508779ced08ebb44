//! A deterministic automaton, whose states are the derivatives of a regular expression.

use std::fmt;

use foldhash::HashMap;

use super::alphabet::Alphabet;
use super::derivative::{Derivatives, TooLarge};
use super::syntax::Tree;

/// The most steps from state to state that are kept: 4 MB.
const MOST_STEPS: usize = 1 << 20;

/// Matches whole texts, in time proportional to their length.
#[derive(Clone)]
pub(super) struct Automaton {
    alphabet: Alphabet,
    /// The next state, for each state and each group of characters.
    next: Box<[u32]>,
    states: Box<[State]>,
}

#[derive(Clone, Copy)]
struct State {
    /// The text matches if it ends here.
    accepts: bool,
    /// No other state is reached from here.
    is_last: bool,
}

impl Automaton {
    /// Works out all states; `work` is what may be done, and less of it remains.
    pub(super) fn new(tree: &Tree, work: &mut usize) -> Result<Self, TooLarge> {
        let (mut derivatives, alphabet, start) = Derivatives::new(tree, work)?;
        let mut nodes = vec![start];
        let mut numbers = HashMap::from_iter([(start, 0)]);
        let (mut next, mut states) = (Vec::new(), Vec::new());
        while let Some(&node) = nodes.get(states.len()) {
            let state = number(states.len())?;
            let begin = next.len();
            if begin + alphabet.groups() as usize > MOST_STEPS {
                return Err(TooLarge);
            }
            for group in 0..alphabet.groups() {
                let derived = derivatives.derive(node, group, work)?;
                let new = number(nodes.len())?;
                next.push(*numbers.entry(derived).or_insert_with(|| {
                    nodes.push(derived);
                    new
                }));
            }
            let is_last = next[begin..].iter().all(|next| *next == state);
            states.push(State { accepts: derivatives.is_nullable(node), is_last });
        }
        Ok(Self { alphabet, next: next.into(), states: states.into() })
    }

    /// True when no text matches.
    pub(super) fn is_empty(&self) -> bool {
        !self.states.iter().any(|state| state.accepts)
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        let groups = self.alphabet.groups() as usize;
        let mut state = 0;
        for c in text.chars() {
            if self.states[state].is_last {
                break;
            }
            state = self.next[state * groups + self.alphabet.group(c) as usize] as usize;
        }
        self.states[state].accepts
    }
}

impl fmt::Debug for Automaton {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Automaton").field("states", &self.states.len()).finish_non_exhaustive()
    }
}

fn number(count: usize) -> Result<u32, TooLarge> {
    u32::try_from(count).map_err(|_| TooLarge)
}
