//! Medians, and how sure they are.

/// The middle value, or the mean of the two in the middle; NaN of nothing.
pub(crate) fn median(values: &[f64]) -> f64 {
    let values = sorted(values);
    match values.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => values[count / 2],
        count => (values[count / 2 - 1] + values[count / 2]) / 2.0,
    }
}

/// An interval that holds the true median with 95 % certainty whatever the distribution, from the ranks
/// of the values; of fewer than 6 values nothing is that certain, and it is their whole range.
pub(crate) fn interval(values: &[f64]) -> (f64, f64) {
    let values = sorted(values);
    let count = values.len();
    if count == 0 {
        return (f64::NAN, f64::NAN);
    }
    // The chance that the median lies below the value of rank `cut` is that of at most `cut` heads in
    // `count` tosses of a coin.
    let mut cut = 0;
    let mut chance = 0.5_f64.powi(count as i32);
    let mut term = chance;
    while cut + 1 < count / 2 {
        term *= (count - cut) as f64 / (cut + 1) as f64;
        if 2.0 * (chance + term) > 0.05 {
            break;
        }
        chance += term;
        cut += 1;
    }
    (values[cut], values[count - 1 - cut])
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_is_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn interval_is_that_of_the_sign_test() {
        let values = |count: usize| (1..=count).map(|value| value as f64).collect::<Vec<_>>();
        // From tables of the binomial distribution.
        assert_eq!(interval(&values(5)), (1.0, 5.0));
        assert_eq!(interval(&values(7)), (1.0, 7.0));
        assert_eq!(interval(&values(9)), (2.0, 8.0));
        assert_eq!(interval(&values(20)), (6.0, 15.0));
    }
}
