//! Does the two-sided interval of log Z hold the truth as often as it says, and what is its verdict worth?
//!
//! Ising models on random graphs and RBMs (both enumerated) and Gaussian mixtures (closed form), each easy, medium and hard,
//! several seeds a model; then planted failures, which must not be certified. Exact starting samples throughout, so that
//! `certified` can be earned.
//!
//! ```text
//! cargo run --release -p gibbs-spin --example coverage                 # record/coverage.md
//! cargo run --release -p gibbs-spin --example coverage -- --only "ising hard" # a family (ising, rbm, mixture), or planted
//! cargo run --release -p gibbs-spin --example coverage -- --models 10 --seeds 5
//! cargo run --release -p gibbs-spin --example coverage -- --quick
//! ```

use std::ops::ControlFlow;

use gibbs_core::dense::Dense;
use gibbs_core::energy::{Blocks, Distribution, Energy, Gradient, Parametric};
use gibbs_core::kernel::{Evaluated, Kernel};
use gibbs_core::key::{Key, Purpose};
use gibbs_core::log_partition::{Bracket, Certificate, LogZError, Progress, Starts, Verdict};
use gibbs_core::path::{Annealable, Bridge, Geometric};
use gibbs_core::rows::{Natural, Rows};
use gibbs_core::samplers::{HeatBath, Mala};
use gibbs_core::scratch::Scratch;
use gibbs_spin::rbm::{HIDDEN_BIAS, RbmEval, VISIBLE_BIAS, WEIGHTS};
use gibbs_spin::{Bernoulli, Bits, BlockGibbs, Rbm, RbmPath};
use gibbs_tensor::energies::{Gaussian, GaussianMixture};
use rayon::prelude::*;

/// Sites of the discrete models.
const SITES: usize = 12;
/// Nats asked for.
const WIDTH: f64 = 0.1;
const SCALES: [&str; 3] = ["easy", "medium", "hard"];

fn main() -> Result<(), String> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let after = |name: &str| args.iter().position(|a| a == name).and_then(|i| args.get(i + 1)).map(String::as_str);
    let quick = args.iter().any(|a| a == "--quick");
    let number = |name: &str, default: u64| match after(name) {
        Some(n) => n.parse().map_err(|_| format!("{name} takes a number, not {n}")),
        None => Ok(default),
    };
    let models = number("--models", if quick { 2 } else { 45 })?;
    let seeds = number("--seeds", if quick { 1 } else { 20 })?;
    let effort = Effort { seeds, budget: if quick { 100_000 } else { 1_000_000 } };
    let only = after("--only");
    let chosen = |name: &str| only.is_none_or(|o| name.starts_with(o));
    println!(
        "| family | scale | models x seeds | certified | held | worst model | plausible | held | not trusted | held | \
         width / oracle | moves |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|");
    let families: [(&str, Runner); 3] = [("ising", ising), ("rbm", rbm), ("mixture", mixture)];
    let mut all = Vec::new();
    for (f, (name, run)) in families.into_iter().enumerate() {
        for (s, scale) in SCALES.iter().enumerate().filter(|(_, scale)| chosen(&format!("{name} {scale}"))) {
            let cell = study(models, (10 * f + s) as u64, |key| run(s, key, effort))?;
            print_row(name, scale, &cell);
            all.extend(cell);
        }
    }
    if only.is_none() {
        print_row("all", "", &all);
    }
    if chosen("planted") {
        println!("\n| planted failure | runs | certified | plausible | not trusted |\n|---|---|---|---|---|");
        let failures: [(&str, Runner); 4] = [
            ("kernel that never moves, hard RBM", frozen),
            ("one rung, hard RBM", one_rung),
            ("base on one of two modes", wrong_base),
            ("samples of one of two modes, called exact", wrong_samples),
        ];
        for (i, (name, run)) in failures.into_iter().enumerate() {
            let cell = study(models, 1_000 + i as u64, |key| run(2, key, effort))?;
            let runs: Vec<&Run> = cell.iter().flatten().collect();
            let share = |v| percent(runs.iter().filter(|r| r.verdict == v).count(), runs.len());
            let [c, p, n] = [Verdict::Certified, Verdict::Plausible, Verdict::NotToBeTrusted].map(share);
            println!("| {name} | {} | {c} | {p} | {n} |", runs.len());
        }
    }
    Ok(())
}

/// How much is spent on a model.
#[derive(Clone, Copy)]
struct Effort {
    /// Runs.
    seeds: u64,
    /// Moves of chains a run.
    budget: u64,
}

/// All runs of one model, whose scale and key are given.
type Runner = fn(usize, &Key, Effort) -> Result<Vec<Run>, LogZError>;

/// What one run found.
struct Run {
    verdict: Verdict,
    held: bool,
    /// Value less truth.
    error: f64,
    width: f64,
    moves: u64,
}

impl Run {
    fn new(found: &Certificate, exact: f64) -> Self {
        Self {
            verdict: found.verdict,
            held: found.lower <= exact && exact <= found.upper,
            error: found.value - exact,
            width: found.width(),
            moves: found.moves,
        }
    }
}

fn study(
    models: u64,
    cell: u64,
    run: impl Fn(&Key) -> Result<Vec<Run>, LogZError> + Sync,
) -> Result<Vec<Vec<Run>>, String> {
    let key = Key::from_seed(cell);
    (0..models).into_par_iter().map(|m| run(&key.step(m)).map_err(|e| e.to_string())).collect()
}

fn percent(part: usize, whole: usize) -> String {
    if whole == 0 { "-".to_string() } else { format!("{:.1} %", 100.0 * part as f64 / whole as f64) }
}

fn print_row(family: &str, scale: &str, models: &[Vec<Run>]) {
    let runs: Vec<&Run> = models.iter().flatten().collect();
    let shares = [Verdict::Certified, Verdict::Plausible, Verdict::NotToBeTrusted].map(|v| {
        let of: Vec<&&Run> = runs.iter().filter(|r| r.verdict == v).collect();
        (percent(of.len(), runs.len()), percent(of.iter().filter(|r| r.held).count(), of.len()))
    });
    let [(certified, held), (plausible, plausible_held), (wrong, wrong_held)] = shares;
    // Coverage of the certified runs of each model that has five or more of them.
    let worst = models
        .iter()
        .map(|m| m.iter().filter(|r| r.verdict == Verdict::Certified).collect::<Vec<_>>())
        .filter(|m| m.len() >= 5)
        .map(|m| m.iter().filter(|r| r.held).count() as f64 / m.len() as f64)
        .fold(f64::INFINITY, f64::min);
    let worst = if worst.is_finite() { format!("{:.0} %", 100.0 * worst) } else { "-".to_string() };
    // An oracle would know the scatter of the value and state 1.96 times its root mean square to either side.
    let ratio = |m: &Vec<Run>| {
        let n = m.len() as f64;
        let rms = (m.iter().map(|r| r.error * r.error).sum::<f64>() / n).sqrt();
        m.iter().map(|r| r.width).sum::<f64>() / n / (2.0 * 1.96 * rms)
    };
    let mut ratios: Vec<f64> = models.iter().map(ratio).collect();
    ratios.sort_by(f64::total_cmp);
    let median = ratios[ratios.len() / 2];
    let moves = runs.iter().map(|r| r.moves).sum::<u64>() as f64 / runs.len() as f64;
    println!(
        "| {family} | {scale} | {} x {} | {certified} | {held} | {worst} | {plausible} | {plausible_held} | {wrong} | \
         {wrong_held} | {median:.1} | {moves:.1e} |",
        models.len(),
        runs.len() / models.len()
    );
}

/// Brackets from all seeds.
fn brackets<P: Annealable, K: Kernel<P>>(
    bracket: Bracket<K>,
    path: &P,
    starts: Starts<'_, P::X>,
    exact: f64,
    key: &Key,
    effort: Effort,
) -> Result<Vec<Run>, LogZError> {
    let (bracket, starts) = (bracket.until(WIDTH)?.within(effort.budget), [starts]);
    let go = &mut |_: Progress<'_>| ControlFlow::Continue(());
    (0..effort.seeds)
        .map(|seed| Ok(Run::new(&bracket.estimate(path, &starts, &key.purpose(Purpose::LogZ).step(seed), go)?, exact)))
        .collect()
}

fn bracket<K>(kernel: K) -> Result<Bracket<K>, LogZError> {
    Bracket::new(kernel).starting_with(400, 50)
}

/// All rows of [`SITES`] bits.
fn all_rows() -> Bits {
    Bits::from_words(1 << SITES, SITES, (0..1u64 << SITES).collect())
}

/// Log Z and exact samples of an energy, by enumeration; `keep` says which rows count for the samples.
fn enumerate(energy: &dyn Energy<X = Bits>, keep: fn(u64) -> bool) -> (f64, Starts<'static, Bits>) {
    let mut e = vec![0.0; 1 << SITES];
    energy.energy(&all_rows(), &mut e, &mut Scratch::default());
    let least = e.iter().copied().fold(f64::INFINITY, f64::min);
    let log_z = e.iter().map(|e| (least - e).exp()).sum::<f64>().ln() - least;
    let mut cumulative = Vec::with_capacity(e.len());
    let mut sum = 0.0;
    for (row, e) in e.iter().enumerate() {
        sum += if keep(row as u64) { (least - e).exp() } else { 0.0 };
        cumulative.push(sum);
    }
    let draw = move |n: usize, key: &Key| {
        let mut rng = key.rng();
        let rows = (0..n).map(|_| {
            let u = rng.uniform() * sum;
            cumulative.partition_point(|&c| c <= u).min(cumulative.len() - 1) as u64
        });
        Bits::from_words(n, SITES, rows.collect())
    };
    (log_z, Starts::exact("enumeration", draw))
}

/// `E(s) = -sum J_ij s_i s_j - sum h_i s_i` over spins +1 (bit 1) and -1, site by site.
struct Ising {
    field: Vec<f64>,
    /// Neighbours of each site, with the coupling.
    bonds: Vec<Vec<(usize, f64)>>,
}

impl Ising {
    /// Three bonds a site on average, couplings normal with standard deviation `sd`, fields a third of it.
    fn random(sd: f64, key: &Key) -> Self {
        let mut rng = key.purpose(Purpose::Init).rng();
        let field = (0..SITES).map(|_| sd / 3.0 * rng.normal()).collect();
        let mut bonds = vec![Vec::new(); SITES];
        for i in 0..SITES {
            for j in 0..i {
                if rng.uniform() < 3.0 / (SITES - 1) as f64 {
                    let coupling = sd * rng.normal();
                    bonds[i].push((j, coupling));
                    bonds[j].push((i, coupling));
                }
            }
        }
        Self { field, bonds }
    }

    /// Field that the neighbours of `site` make.
    fn pull(&self, x: &Bits, row: usize, site: usize) -> f64 {
        self.bonds[site].iter().map(|&(j, coupling)| if x.get(row, j) { coupling } else { -coupling }).sum()
    }
}

impl Energy for Ising {
    type X = Bits;

    fn energy(&self, x: &Bits, out: &mut [f64], _: &mut Scratch) {
        for (row, o) in out.iter_mut().enumerate() {
            let spin = |site: usize| if x.get(row, site) { 1.0 } else { -1.0 };
            *o = (0..SITES).map(|i| -spin(i) * (self.field[i] + 0.5 * self.pull(x, row, i))).sum();
        }
    }
}

impl Blocks for Ising {
    fn n_blocks(&self) -> usize {
        SITES
    }

    fn sites(&self, block: usize) -> Vec<usize> {
        vec![block]
    }

    fn natural(&self, x: &Bits, block: usize, out: &mut Natural, _: &mut Scratch) {
        out.reset(x.n_rows(), 1);
        for (row, o) in out.logits.iter_mut().enumerate() {
            *o = 2.0 * (self.field[block] + self.pull(x, row, block));
        }
    }
}

fn ising(scale: usize, key: &Key, effort: Effort) -> Result<Vec<Run>, LogZError> {
    let target = Ising::random([0.3, 1.0, 2.5][scale], key);
    let (exact, starts) = enumerate(&target, |_| true);
    let path = Geometric { base: Bernoulli::new(vec![0.0; SITES]), target };
    brackets(bracket(HeatBath)?, &path, starts, exact, key, effort)
}

/// Eight hidden units; weights and biases normal.
fn random_rbm(scale: usize, key: &Key) -> Rbm {
    let mut model = Rbm::zeros(SITES, 8);
    let mut rng = key.purpose(Purpose::Init).rng();
    let sd = [0.3, 1.0, 2.5][scale];
    model.params_mut().flat_mut().iter_mut().for_each(|p| *p = (sd * rng.normal()) as f32);
    model
}

fn flat(target: Rbm) -> RbmPath {
    RbmPath::new(Bernoulli::new(vec![0.0; SITES]), target)
}

fn rbm(scale: usize, key: &Key, effort: Effort) -> Result<Vec<Run>, LogZError> {
    let target = random_rbm(scale, key);
    let (exact, starts) = enumerate(&target, |_| true);
    brackets(bracket(BlockGibbs)?.reversible(), &flat(target), starts, exact, key, effort)
}

/// A normalised mixture plus a constant: log Z is the constant's negative.
struct Lifted {
    mixture: GaussianMixture<f64>,
    by: f64,
}

impl Energy for Lifted {
    type X = Dense<f64>;

    fn energy(&self, x: &Dense<f64>, out: &mut [f64], ws: &mut Scratch) {
        self.mixture.energy(x, out, ws);
        out.iter_mut().for_each(|o| *o += self.by);
    }
}

impl Gradient for Lifted {
    fn energy_grad(&self, x: &Dense<f64>, e: &mut [f64], g: &mut Dense<f64>, ws: &mut Scratch) {
        self.mixture.energy_grad(x, e, g, ws);
        e.iter_mut().for_each(|e| *e += self.by);
    }
}

/// Two to five components of standard deviation 0.5 to 1 in one to four dimensions, centres normal; the base is a normal
/// distribution with the spread of the centres and components together.
fn mixture(scale: usize, key: &Key, effort: Effort) -> Result<Vec<Run>, LogZError> {
    let mut rng = key.purpose(Purpose::Init).rng();
    let (k, d, spread) = (2 + rng.below(4), 1 + rng.below(4), [0.5, 2.0, 5.0][scale]);
    let weights: Vec<f64> = (0..k).map(|_| 0.2 + rng.uniform()).collect();
    let means: Vec<f64> = (0..k * d).map(|_| spread * rng.normal()).collect();
    let variances: Vec<f64> = (0..k).map(|_| (0.5 + 0.5 * rng.uniform()).powi(2)).collect();
    let by = 10.0 * rng.normal();
    let degenerate = |_| LogZError::Setting { name: "mixture", value: spread };
    let mixture = GaussianMixture::isotropic(&weights, &means, &variances, d).map_err(degenerate)?;
    let sampler = mixture.clone();
    let starts = Starts::exact("the mixture itself", move |n, key: &Key| sampler.sample(n, key));
    let base = Gaussian::diagonal(&vec![0.0; d], &vec![1.0 + spread * spread; d])
        .map_err(|_| LogZError::Setting { name: "base", value: spread })?;
    let path = Bridge { base, target: Lifted { mixture, by } };
    let kernel = Mala::new(0.2).map_err(|_| LogZError::Setting { name: "step", value: 0.2 })?;
    brackets(bracket(kernel)?.reversible(), &path, starts, -by, key, effort)
}

/// A kernel that leaves everything invariant because it does nothing.
struct Frozen;

impl Kernel<RbmPath> for Frozen {
    type Chain = Evaluated<Bits, RbmEval>;
    type Tuning = ();
    type Info = ();

    fn init(&self, path: &RbmPath, x: Bits, ws: &mut Scratch) -> Self::Chain {
        BlockGibbs.init(path, x, ws)
    }

    fn step(&self, _: &RbmPath, _: f64, (): &(), _: &mut Self::Chain, _: &Key, _: &mut Scratch) {}

    fn position<'a>(&self, chain: &'a Self::Chain) -> &'a Bits {
        &chain.x
    }

    fn eval<'a>(&self, chain: &'a Self::Chain) -> &'a RbmEval {
        &chain.eval
    }
}

fn frozen(scale: usize, key: &Key, effort: Effort) -> Result<Vec<Run>, LogZError> {
    let target = random_rbm(scale, key);
    let (exact, starts) = enumerate(&target, |_| true);
    brackets(bracket(Frozen)?.reversible(), &flat(target), starts, exact, key, effort)
}

fn one_rung(scale: usize, key: &Key, effort: Effort) -> Result<Vec<Run>, LogZError> {
    let target = random_rbm(scale, key);
    let (exact, starts) = enumerate(&target, |_| true);
    let bracket = bracket(BlockGibbs)?.reversible().starting_with(400, 1)?;
    let effort = Effort { budget: 1, ..effort };
    brackets(bracket, &flat(target), starts, exact, key, effort)
}

/// All zeros and all ones, deep, with a random share of the weight.
fn bimodal(key: &Key) -> Rbm {
    let (nh, strength) = (8, 1.5);
    let tilt = 1.0 + 2.0 * key.purpose(Purpose::Init).rng().uniform() as f32;
    let mut model = Rbm::zeros(SITES, nh);
    let params = model.params_mut();
    params.get_mut(WEIGHTS).fill(strength);
    params.get_mut(VISIBLE_BIAS).fill(-0.5 * strength * nh as f32 + tilt / SITES as f32);
    params.get_mut(HIDDEN_BIAS).fill(-0.5 * strength * SITES as f32);
    model
}

fn wrong_base(_: usize, key: &Key, effort: Effort) -> Result<Vec<Run>, LogZError> {
    let target = bimodal(key);
    let (exact, starts) = enumerate(&target, |_| true);
    let path = RbmPath::new(Bernoulli::new(vec![(0.02f32 / 0.98).ln(); SITES]), target);
    brackets(bracket(BlockGibbs)?.reversible(), &path, starts, exact, key, effort)
}

fn wrong_samples(_: usize, key: &Key, effort: Effort) -> Result<Vec<Run>, LogZError> {
    let target = bimodal(key);
    let (exact, starts) = enumerate(&target, |row| 2 * row.count_ones() < SITES as u32);
    brackets(bracket(BlockGibbs)?.reversible(), &flat(target), starts, exact, key, effort)
}
