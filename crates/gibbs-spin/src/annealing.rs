//! Simulated annealing of quadratic energies.

use std::time::Instant;

use gibbs_core::key::{Key, Purpose};
use gibbs_core::path::{Annealable, Path};
use gibbs_core::scratch::Scratch;
use rayon::prelude::*;

use crate::Bits;
use crate::qubo::flips::Uniforms;
use crate::qubo::{FlipSweep, Qubo, QuboPath};

/// Reads that one thread takes at a time; a constant of the results.
const READS_AT_ONCE: usize = 8;

/// Simulated annealing: each read starts at fair bits, is swept with Metropolis flips while the inverse temperature rises in
/// equal ratios from hot to cold, and ends in the local minimum below.
///
/// It finds low states; it does not sample `exp(-beta E)`.
///
/// # Example
/// ```
/// use gibbs_core::key::Key;
/// use gibbs_spin::{annealing::Annealing, qubo::Qubo};
/// // Two of three variables, and not the neighbours.
/// let qubo = Qubo::new(0.0, vec![-1.0; 3], &[(0, 1, 2.0), (1, 2, 2.0)])?;
/// let found = Annealing { n_reads: 10, n_sweeps: 50, range: None }.run(&qubo, &Key::from_seed(0));
/// assert_eq!(found.best().1, -2.0);
/// # Ok::<(), gibbs_spin::qubo::QuboError>(())
/// ```
///
/// # Source
/// Kirkpatrick, Gelatt & Vecchi 1983, DOI 10.1126/science.220.4598.671.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Annealing {
    /// Independent runs.
    pub n_reads: usize,
    /// Sweeps of each, one a temperature.
    pub n_sweeps: u64,
    /// Hot and cold inverse temperature; [`Qubo::beta_range`] where it is left out.
    pub range: Option<(f64, f64)>,
}

/// Where the reads ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Annealed {
    /// The states, one a read.
    pub states: Bits,
    /// Their energies.
    pub energies: Vec<f64>,
    /// Hot and cold inverse temperature.
    pub range: (f64, f64),
    /// Mean time of a read on one thread, seconds.
    pub seconds_per_read: f64,
}

impl Annealing {
    /// All reads, in parallel; keys fix the result (and not [`Annealed::seconds_per_read`]).
    ///
    /// # Panics
    /// Never: nothing asks it to stop.
    pub fn run(&self, qubo: &Qubo, key: &Key) -> Annealed {
        self.run_with(qubo, key, &|| true).expect("nobody asked to stop")
    }

    /// As [`Annealing::run`]; `after_read` is called from all threads, and nothing is returned once it says `false`.
    pub fn run_with(&self, qubo: &Qubo, key: &Key, after_read: &(dyn Fn() -> bool + Sync)) -> Option<Annealed> {
        let n = qubo.n_variables();
        let range = self.range.or_else(|| qubo.beta_range()).unwrap_or((1.0, 1.0));
        let path = QuboPath(qubo.clone());
        let last = self.n_sweeps.saturating_sub(1).max(1) as f64;
        let beta = |t: u64| range.0 * (range.1 / range.0).powf(t as f64 / last);
        let blocks: Option<Vec<(Vec<u64>, f64)>> = (0..self.n_reads.div_ceil(READS_AT_ONCE))
            .into_par_iter()
            .with_max_len(1)
            .map(|b| {
                let (start, key) = (Instant::now(), key.block(b as u64));
                let rows = READS_AT_ONCE.min(self.n_reads - b * READS_AT_ONCE);
                let mut x = path.sample_base(rows, &key.purpose(Purpose::Init));
                let (mut eval, noise) = (path.empty_eval(), key.purpose(Purpose::Noise));
                path.evaluate(&x, &mut eval, &mut Scratch::default());
                let stride = x.stride();
                // A read stays in the cache through all its sweeps.
                for ((row, words), g) in x.words_mut().chunks_exact_mut(stride).enumerate().zip(eval.fields_mut(n)) {
                    let mut random = Uniforms::new(&noise, row as u64);
                    for t in 0..self.n_sweeps {
                        FlipSweep::METROPOLIS.sweep(qubo, beta(t), words, g, &mut random);
                    }
                    descend(qubo, words, g);
                    if !after_read() {
                        return None;
                    }
                }
                Some((x.into_words(), start.elapsed().as_secs_f64()))
            })
            .collect();
        let blocks = blocks?;
        let seconds: f64 = blocks.iter().map(|(_, s)| s).sum();
        let words = blocks.into_iter().flat_map(|(w, _)| w).collect();
        let states = Bits::from_words(self.n_reads, n, words);
        let mut fields = vec![0.0; n];
        let energies = (0..self.n_reads).map(|r| qubo.fields(&states, r, &mut fields)).collect();
        Some(Annealed { states, energies, range, seconds_per_read: seconds / self.n_reads.max(1) as f64 })
    }
}

/// Flips whatever lowers the energy until nothing does.
fn descend(qubo: &Qubo, words: &mut [u64], g: &mut [f64]) {
    use crate::qubo::flips::{cost, flip};
    // Each flip lowers the energy by more than rounding, so this ends; the bound is for coefficients of wild range.
    for _ in 0..1000 {
        let mut flips = 0;
        for i in 0..g.len() {
            if cost(words, g, i) < -1e-12 * qubo.linear()[i].abs().max(f64::MIN_POSITIVE) {
                flip(qubo, words, g, i);
                flips += 1;
            }
        }
        if flips == 0 {
            return;
        }
    }
}

impl Annealed {
    /// The read with the lowest energy, and that energy. The first of equals.
    ///
    /// # Panics
    /// If there are no reads.
    pub fn best(&self) -> (usize, f64) {
        let least = self.energies.iter().copied().fold(f64::INFINITY, f64::min);
        let at = self.energies.iter().position(|e| *e == least);
        (at.expect("at least one read"), least)
    }

    /// Reads within `1e-9` (relative, at least absolute) of an energy.
    pub fn hits(&self, energy: f64) -> usize {
        let tolerance = 1e-9 * energy.abs().max(1.0);
        self.energies.iter().filter(|e| **e <= energy + tolerance).count()
    }
}

/// The 95 % interval of Wilson for a probability of which `hits` of `n` trials succeeded. It lies in [0, 1] and has positive
/// width at 0 and `n` hits.
///
/// # Panics
/// If `n` is 0 or less than `hits`.
///
/// # Source
/// Wilson 1927, DOI 10.1080/01621459.1927.10502953.
pub fn wilson_interval(hits: usize, n: usize) -> (f64, f64) {
    assert!(n > 0 && hits <= n, "{hits} hits of {n}");
    let z = 1.959_963_984_540_054_f64;
    let (n, p) = (n as f64, hits as f64 / n as f64);
    let (centre, width) = (p + z * z / (2.0 * n), z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt());
    let scale = 1.0 + z * z / n;
    (((centre - width) / scale).max(0.0), ((centre + width) / scale).min(1.0))
}

/// Time after which repeated reads of `seconds_per_read` have found the ground state with probability 99 %, if one read
/// finds it with probability `p`: `seconds ln(1 - 0.99) / ln(1 - p)`, at least one read. Infinite at `p = 0`.
///
/// # Source
/// Rønnow et al. 2014, DOI 10.1126/science.1252319, equation 1.
pub fn time_to_solution(seconds_per_read: f64, p: f64) -> f64 {
    seconds_per_read * (0.01f64.ln() / (-p).ln_1p()).max(1.0)
}
