//! Percentiles and medians of numbers.
//!
//! Source: elastic/elasticsearch libs/tdigest/src/main/java/org/elasticsearch/tdigest/Dist.java, which is what
//! aggregates of up to some twenty thousand values give.

/// The percentile of numbers that ascend, `percent` within 0 to 100: between the two numbers around its rank, as far
/// from each as the rank is. `None` when there are none.
pub fn percentile_of_sorted(sorted: &[f64], percent: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let rank = percent / 100.0 * last as f64;
    let below = (rank.floor() as usize).min(last);
    let (low, high) = (sorted[below], sorted[(below + 1).min(last)]);
    let weight = rank - below as f64;
    // Whole ranks stand alone: a difference past the greatest number times 0 would be no number.
    Some(if weight == 0.0 { low } else { low + weight * (high - low) })
}

/// The median of the distances of numbers that ascend to their median.
pub fn median_absolute_deviation(sorted: &[f64]) -> Option<f64> {
    let median = percentile_of_sorted(sorted, 50.0)?;
    let mut distances: Vec<f64> = sorted.iter().map(|number| (number - median).abs()).collect();
    distances.sort_unstable_by(f64::total_cmp);
    percentile_of_sorted(&distances, 50.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn between_two_numbers() {
        let numbers = [1.0, 2.0, 4.0, 10.0];
        let table = [(0.0, 1.0), (50.0, 3.0), (100.0, 10.0), (90.0, 8.2), (25.0, 1.75)];
        for (percent, expected) in table {
            let found = percentile_of_sorted(&numbers, percent).unwrap();
            assert!((found - expected).abs() < 1e-12, "{percent}: {found}");
        }
        assert_eq!(percentile_of_sorted(&[], 50.0), None);
        assert_eq!(percentile_of_sorted(&[7.0], 99.0), Some(7.0));
        assert_eq!(median_absolute_deviation(&[0.0, 2.0, 5.0, 6.0]), Some(2.0));
        assert_eq!(median_absolute_deviation(&[]), None);
    }

    proptest! {
        #[test]
        fn lies_within_the_numbers(mut numbers in prop::collection::vec(-1e6..1e6, 1..20), percent in 0.0..=100.0) {
            numbers.sort_unstable_by(f64::total_cmp);
            let found = percentile_of_sorted(&numbers, percent).unwrap();
            prop_assert!(numbers[0] <= found && found <= numbers[numbers.len() - 1]);
            let below = numbers.iter().filter(|number| **number <= found).count() as f64;
            prop_assert!(below >= (percent / 100.0 * (numbers.len() - 1) as f64).floor() + 1.0);
        }
    }
}
