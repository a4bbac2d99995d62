//! Gaussian mixtures in any dimension.

use gibbs_core::key::{Key, Purpose};

use super::gaussians::Gaussians;
use super::{Generator, parameter, plane, within};
use crate::{DataError, Table};

pub(super) const NAME: &str = "gaussian-mixture";

/// Points of the grid that gives the entropy in the plane; beyond, and in other dimensions, it is an average over draws.
const MAX_GRID: f64 = 1e6;

/// Draws of that average.
const DRAWS: usize = 1 << 16;

/// `k` equally likely Gaussians with unit variance in `d` dimensions, their centres drawn once from
/// `N(0, spread^2 I)` by the seed `centres`, so that a name with parameters is always the same distribution.
///
/// # Entropy
/// Closed for `k = 1`, by a grid in the plane. Elsewhere it is `ln k + d/2 ln(2 pi e) - E H(component | x)`, the last term
/// averaged over 65,536 draws of a fixed key: it lies between 0 and `ln k`, so that the standard error is at most
/// `ln k / 512`, and far less where the components hardly overlap.
#[derive(Clone)]
pub struct GaussianMixture {
    spread: f64,
    seed: u64,
    law: Gaussians,
    entropy: f64,
}

impl std::fmt::Debug for GaussianMixture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut f = f.debug_struct("GaussianMixture");
        f.field("d", &self.law.d).field("k", &self.k()).field("spread", &self.spread);
        f.field("centres", &self.seed).finish_non_exhaustive()
    }
}

impl GaussianMixture {
    /// `k` components in `d` dimensions.
    ///
    /// # Errors
    /// [`DataError::Parameter`] where `d` is not 1 to 1000, `k` not 1 to 1000, `d * k` above 100,000 or `spread` not 0 to
    /// 1000.
    pub fn new(d: usize, k: usize, spread: f64, seed: u64) -> Result<Self, DataError> {
        if !(1..=1000).contains(&d) || !(1..=1000).contains(&k) || d * k > 100_000 {
            return Err(parameter(
                NAME,
                format!("d is {d} and k is {k}: both are 1 to 1000, their product at most 100000"),
            ));
        }
        let spread = within(NAME, "spread", spread, 0.0, 1000.0)?;
        let mut rng = Key::from_seed(seed).purpose(Purpose::Init).rng();
        let centres = (0..d * k).map(|_| spread * rng.normal()).collect();
        let mut mixture = GaussianMixture { spread, seed, law: Gaussians { d, centres, sd: 1.0 }, entropy: 0.0 };
        mixture.entropy = mixture.find_entropy();
        Ok(mixture)
    }

    fn k(&self) -> usize {
        self.law.centres.len() / self.law.d
    }

    fn find_entropy(&self) -> f64 {
        let (d, k) = (self.law.d, self.k());
        let single = 0.5 * d as f64 * (1.0 + std::f64::consts::TAU.ln());
        if k == 1 {
            return single;
        }
        let reach = self.law.centres.iter().fold(0.0, |a: f64, c| a.max(c.abs())) + 8.5;
        if d == 2 && (4.0 * reach).powi(2) < MAX_GRID {
            return plane::entropy(|x| self.law.log_density(&x), [-reach; 2], [reach; 2], 0.5);
        }
        let (mut rng, mut x) = (Key::from_seed(self.seed).purpose(Purpose::Other).rng(), vec![0.0; d]);
        let mut doubt = 0.0;
        for i in 0..DRAWS {
            self.fill(&mut rng, i % k, &mut x);
            doubt += self.law.doubt(&x);
        }
        (k as f64).ln() + single - doubt / DRAWS as f64
    }

    /// A draw of one component.
    fn fill(&self, rng: &mut gibbs_core::key::Rng, component: usize, x: &mut [f64]) {
        let centre = &self.law.centres[component * self.law.d..];
        x.iter_mut().zip(centre).for_each(|(x, c)| *x = c + rng.normal());
    }
}

impl Generator for GaussianMixture {
    fn name(&self) -> &'static str {
        NAME
    }

    fn generate(&self, n: Option<usize>, key: &Key) -> Result<Table, DataError> {
        plane::points(self, self.law.d, n, key, |rng, x| {
            let component = rng.below(self.k());
            self.fill(rng, component, x);
        })
    }

    fn entropy(&self) -> f64 {
        self.entropy
    }

    fn log_density(&self, x: &[f64]) -> Option<f64> {
        (x.len() == self.law.d).then(|| self.law.log_density(x))
    }
}
