//! The Mann-Whitney U test: whether one of two samples tends to be larger, whatever their distribution.

use libm::erfc;

pub struct RankTest {
    /// Of the first sample: how many pairs it wins, ties counting half.
    pub u: f64,
    /// In the normal approximation, which is good from 20 values on.
    pub z: f64,
    /// Two-sided.
    pub p: f64,
}

/// Ties get their mean rank; the variance is not corrected for them, since nanoseconds hardly tie.
pub fn mann_whitney(first: &[f64], second: &[f64]) -> RankTest {
    let wins = |value: &f64| -> f64 {
        second
            .iter()
            .map(|other| {
                if value > other {
                    1.0
                } else if value < other {
                    0.0
                } else {
                    0.5
                }
            })
            .sum()
    };
    let u: f64 = first.iter().map(wins).sum();
    let count = |sample: &[f64]| f64::from(u32::try_from(sample.len()).unwrap());
    let (n, m) = (count(first), count(second));
    let z = (u - n * m / 2.0) / (n * m * (n + m + 1.0) / 12.0).sqrt();
    RankTest { u, z, p: erfc(z.abs() / std::f64::consts::SQRT_2) }
}
