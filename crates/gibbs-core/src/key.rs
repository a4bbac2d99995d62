//! Random keys: randomness as an argument.

use gibbs_kernels::philox::philox4x32;

/// What a key is spent on. Two purposes of one key give independent draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
#[non_exhaustive]
pub enum Purpose {
    /// A numbered child: [`Key::step`].
    Step = 1,
    /// A numbered block of rows or sites: [`Key::block`].
    Block = 2,
    /// Starting states and initial parameters.
    Init = 3,
    /// Proposals, Langevin noise, Bernoulli draws of a sweep.
    Noise = 4,
    /// Accept / reject decisions.
    Accept = 5,
    /// Order of the rows in an epoch.
    Shuffle = 6,
    /// Division of a table into parts.
    Split = 7,
    /// Draws that turn grey values into bits.
    Binarise = 8,
    /// Synthetic data.
    Generate = 9,
    /// Visible units of a two-layer model.
    Visible = 10,
    /// Hidden units of a two-layer model.
    Hidden = 11,
    /// Estimation of a partition function.
    LogZ = 12,
    /// Bootstrap resampling.
    Bootstrap = 13,
    /// Anything else that needs a stream of its own.
    Other = 14,
}

/// A counter-based random key (Philox4x32-10): the seed, the path of `step`s, `block`s and purposes
/// that lead to it, and nothing else, decide what is drawn.
///
/// A key is not `Copy` and not `Clone`: derive children, draw from a child once. Because a fixed block
/// of rows draws from its own key, the number of threads cannot change a result.
///
/// # Example
/// ```
/// use gibbs_core::key::{Key, Purpose};
/// let key = Key::from_seed(0);
/// let a = key.step(3).purpose(Purpose::Noise);
/// assert_eq!(a.bits(), Key::from_seed(0).step(3).purpose(Purpose::Noise).bits());
/// assert_ne!(a.bits(), key.step(4).purpose(Purpose::Noise).bits());
/// ```
///
/// Source: Salmon et al., SC 2011, DOI 10.1145/2063384.2063405.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub struct Key(u128);

impl Key {
    /// The root key of a seed.
    pub fn from_seed(seed: u64) -> Self {
        Key(u128::from(seed)).derive(0, 0)
    }

    /// The child for step `index` (an update, a sweep, a temperature).
    pub fn step(&self, index: u64) -> Self {
        self.derive(Purpose::Step as u32, index)
    }

    /// The child for block `index` (rows, sites, chains).
    pub fn block(&self, index: u64) -> Self {
        self.derive(Purpose::Block as u32, index)
    }

    /// The child for one purpose.
    pub fn purpose(&self, purpose: Purpose) -> Self {
        self.derive(purpose as u32, 0)
    }

    /// The key's 128 bits, for the generators of `gibbs-kernels` and for run files.
    pub fn bits(&self) -> u128 {
        self.0
    }

    /// A sequential generator for code that draws a few numbers one at a time.
    pub fn rng(&self) -> Rng {
        Rng { key: self.0, counter: 0, buffer: [0; 4], used: 4 }
    }

    fn derive(&self, tag: u32, index: u64) -> Self {
        let [k0, k1, k2, k3] = words(self.0);
        let x = philox4x32([index as u32 ^ k2, (index >> 32) as u32 ^ k3, tag, 0x6769_6262], [k0, k1]);
        Key(u128::from(x[0]) | u128::from(x[1]) << 32 | u128::from(x[2]) << 64 | u128::from(x[3]) << 96)
    }
}

fn words(k: u128) -> [u32; 4] {
    [k as u32, (k >> 32) as u32, (k >> 64) as u32, (k >> 96) as u32]
}

/// Sequential draws from one [`Key`] (Philox in counter mode).
#[derive(Clone, Debug)]
pub struct Rng {
    key: u128,
    counter: u64,
    buffer: [u32; 4],
    used: usize,
}

impl Rng {
    /// 32 uniform bits.
    pub fn next_u32(&mut self) -> u32 {
        if self.used == 4 {
            let [k0, k1, k2, k3] = words(self.key);
            let c = self.counter;
            self.buffer = philox4x32([c as u32 ^ k2, (c >> 32) as u32 ^ k3, 0, 0x6472_6177], [k0, k1]);
            self.counter += 1;
            self.used = 0;
        }
        self.used += 1;
        self.buffer[self.used - 1]
    }

    /// 64 uniform bits.
    pub fn next_u64(&mut self) -> u64 {
        u64::from(self.next_u32()) | u64::from(self.next_u32()) << 32
    }

    /// A uniform number in `[0, 1)` with 53 random bits.
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A standard normal number (Box & Muller 1958, DOI 10.1214/aoms/1177706645; one of the pair is used).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// A uniform integer in `0..n`, without bias (Lemire 2019, DOI 10.1145/3230636).
    ///
    /// # Panics
    /// If `n` is zero.
    pub fn below(&mut self, n: usize) -> usize {
        assert!(n > 0, "Rng::below needs at least one value to choose from");
        let n = n as u64;
        loop {
            let m = u128::from(self.next_u64()) * u128::from(n);
            if (m as u64) >= n.wrapping_neg() % n {
                return (m >> 64) as usize;
            }
        }
    }

    /// Permutes `items` uniformly (Fisher-Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_draws() {
        // A change here is value-breaking: say so in CHANGELOG.
        let mut r = Key::from_seed(0).purpose(Purpose::Noise).rng();
        let first: Vec<u64> = (0..3).map(|_| r.next_u64()).collect();
        assert_eq!(first, [11_896_723_293_063_396_052, 12_988_369_853_651_696_329, 8_563_029_175_931_448_191]);
    }

    #[test]
    fn moments_and_range() {
        let mut r = Key::from_seed(1).rng();
        let n = 100_000;
        let u: Vec<f64> = (0..n).map(|_| r.uniform()).collect();
        let z: Vec<f64> = (0..n).map(|_| r.normal()).collect();
        let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
        // Five standard errors: 5 * 0.2887 / sqrt(1e5) and 5 / sqrt(1e5); variance 5 * sqrt(2 / 1e5).
        assert!((mean(&u) - 0.5).abs() < 4.6e-3);
        assert!(mean(&z).abs() < 1.6e-2);
        assert!((mean(&z.iter().map(|v| v * v).collect::<Vec<_>>()) - 1.0).abs() < 2.3e-2);
        let mut counts = [0; 7];
        (0..70_000).for_each(|_| counts[r.below(7)] += 1);
        let chi2: f64 = counts.iter().map(|&c| (f64::from(c) - 1e4).powi(2) / 1e4).sum();
        assert!(chi2 < 27.86, "chi2 {chi2}"); // 6 dof, alpha = 1e-4
    }

    #[test]
    fn children_differ() {
        let key = Key::from_seed(7);
        let mut seen = std::collections::HashSet::new();
        for i in 0..1000 {
            assert!(seen.insert(key.step(i).bits()) && seen.insert(key.block(i).bits()));
        }
    }
}
