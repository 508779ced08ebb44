//! The place of an event in the order of a run.

use std::cmp::Ordering;

/// Place of an event in the order of a run: by time, then tiebreaker, then position.
///
/// Two events are never equal in it, as the position tells them apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ordinal {
    /// The event's timestamp, in milliseconds since 1970 UTC. Anything finer is cut off by the caller.
    pub time: i64,
    /// The value of the tiebreaker field.
    pub tiebreaker: Tiebreaker,
    /// Where the event stands among all, as Elasticsearch's implicit tiebreaker does.
    pub position: u64,
}

/// The value of a tiebreaker field. Numbers come first, by value, then text by its bytes, then no value.
#[derive(Clone, Debug, Default)]
pub enum Tiebreaker {
    /// A whole number.
    Whole(i64),
    /// Any other number; one that is not a number comes after all others.
    Fraction(f64),
    /// Text.
    Text(Box<str>),
    /// The field has no value, or there is no such field.
    #[default]
    None,
}

impl Ord for Tiebreaker {
    fn cmp(&self, other: &Self) -> Ordering {
        use Tiebreaker::{Fraction, None, Text, Whole};
        match (self, other) {
            (Whole(left), Whole(right)) => left.cmp(right),
            (Fraction(left), Fraction(right)) => {
                left.partial_cmp(right).unwrap_or_else(|| left.is_nan().cmp(&right.is_nan()))
            }
            (Whole(left), Fraction(right)) => compare_mixed(*left, *right),
            (Fraction(left), Whole(right)) => compare_mixed(*right, *left).reverse(),
            (Text(left), Text(right)) => left.cmp(right),
            (Whole(_) | Fraction(_) | Text(_) | None, _) => self.rank().cmp(&other.rank()),
        }
    }
}

impl Tiebreaker {
    fn rank(&self) -> u8 {
        match self {
            Self::Whole(_) | Self::Fraction(_) => 0,
            Self::Text(_) => 1,
            Self::None => 2,
        }
    }
}

impl PartialOrd for Tiebreaker {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Tiebreaker {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Tiebreaker {}

/// By value, without rounding the whole number to a float.
fn compare_mixed(whole: i64, fraction: f64) -> Ordering {
    const PAST_WHOLE: f64 = 9_223_372_036_854_775_808.0;
    if fraction.is_nan() || fraction >= PAST_WHOLE {
        return Ordering::Less;
    }
    if fraction < -PAST_WHOLE {
        return Ordering::Greater;
    }
    let rest = fraction.fract();
    whole.cmp(&(fraction.trunc() as i64)).then(if rest > 0.0 {
        Ordering::Less
    } else if rest < 0.0 {
        Ordering::Greater
    } else {
        Ordering::Equal
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiebreakers_are_ordered_by_value_and_none_is_last() {
        use Tiebreaker::{Fraction, None, Text, Whole};
        let ascending = [
            Fraction(f64::NEG_INFINITY),
            Whole(i64::MIN),
            Fraction(-1.5),
            Whole(-1),
            Fraction(-0.5),
            Whole(0),
            Fraction(0.5),
            Whole(9_007_199_254_740_992),
            Whole(9_007_199_254_740_993),
            Fraction(9_007_199_254_740_994.0),
            Whole(i64::MAX),
            Fraction(9.3e18),
            Fraction(f64::NAN),
            Text("10".into()),
            Text("9".into()),
            None,
        ];
        for (i, left) in ascending.iter().enumerate() {
            for (j, right) in ascending.iter().enumerate() {
                assert_eq!(left.cmp(right), i.cmp(&j), "{left:?} {right:?}");
            }
        }
        assert_eq!(Whole(0), Fraction(-0.0));
        assert_eq!(Fraction(0.0), Fraction(-0.0));
    }

    #[test]
    fn time_comes_before_tiebreaker_and_that_before_position() {
        let place = |time, tiebreaker, position| Ordinal { time, tiebreaker, position };
        assert!(place(1, Tiebreaker::None, 9) < place(2, Tiebreaker::Whole(0), 0));
        assert!(place(1, Tiebreaker::Whole(5), 9) < place(1, Tiebreaker::None, 0));
        assert!(place(1, Tiebreaker::None, 0) < place(1, Tiebreaker::None, 1));
    }
}
