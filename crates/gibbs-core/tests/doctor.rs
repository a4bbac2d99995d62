//! The sampler doctor: every alarm has a planted case that raises it, and healthy chains raise none.

use gibbs_core::dense::Dense;
use gibbs_core::diagnostics::Draws;
use gibbs_core::diagnostics::doctor::{Diagnosis, Finding, Observations, State, Steps, examine};
use gibbs_core::diagnostics::e_bfmi::e_bfmi;
use gibbs_core::diagnostics::temperature::{Reading, Temperature, Thermometer};
use gibbs_core::energy::{Energy, Gradient};
use gibbs_core::kernel::{Kernel, MoveInfo, StepTuning};
use gibbs_core::key::Key;
use gibbs_core::path::Target;
use gibbs_core::rows::Continuous;
use gibbs_core::samplers::tempering::PerLevel;
use gibbs_core::samplers::{Hmc, Langevin, Mala, SwapStatistics, Tempering};
use gibbs_core::scratch::Scratch;

/// Two unit normals in the plane, `2 centre` apart, with shares 0.7 and 0.3; one normal if `centre` is 0.
#[derive(Clone, Copy)]
struct Wells {
    centre: f64,
}

impl Energy for Wells {
    type X = Dense<f64>;

    fn energy(&self, x: &Dense<f64>, out: &mut [f64], _: &mut Scratch) {
        for (o, x) in out.iter_mut().zip(x.values().chunks_exact(2)) {
            let [a, b] = self.terms(x);
            let most = a.max(b);
            *o = -(most + ((a - most).exp() + (b - most).exp()).ln());
        }
    }
}

impl Wells {
    fn terms(self, x: &[f64]) -> [f64; 2] {
        let term = |c: f64, w: f64| w.ln() - 0.5 * ((x[0] - c).powi(2) + x[1] * x[1]);
        [term(self.centre, 0.7), term(-self.centre, 0.3)]
    }
}

impl Gradient for Wells {
    fn energy_grad(&self, x: &Dense<f64>, e: &mut [f64], g: &mut Dense<f64>, ws: &mut Scratch) {
        self.energy(x, e, ws);
        for (g, x) in g.values_mut().chunks_exact_mut(2).zip(x.values().chunks_exact(2)) {
            let [a, b] = self.terms(x);
            let share = 1.0 / (1.0 + (b - a).exp());
            g.copy_from_slice(&[x[0] - self.centre * (2.0 * share - 1.0), x[1]]);
        }
    }
}

const CHAINS: usize = 16;

struct Run {
    energies: Vec<f64>,
    first: Vec<f64>,
    stayed: Vec<f64>,
    acceptance: f64,
    temperature: Option<Temperature>,
}

/// 16 chains from `starts` along the first coordinate: 200 steps to warm up, 1,500 kept.
fn run<K>(kernel: &K, energy: Wells, starts: impl Fn(usize) -> f64) -> Run
where
    K: Kernel<Target<Wells>, Tuning = StepTuning, Info = MoveInfo>,
{
    let (path, key, mut ws) = (Target(energy), Key::from_seed(5), Scratch::default());
    let x = Dense::from_rows(2, (0..CHAINS).flat_map(|c| [starts(c), 0.0]).collect());
    let mut chain = kernel.init(&path, x, &mut ws);
    let (mut energies, mut first) = (vec![Vec::new(); CHAINS], vec![Vec::new(); CHAINS]);
    let (mut stayed, mut joined) = (vec![0.0; CHAINS], MoveInfo::default());
    let mut meter = Thermometer::coordinates(CHAINS, 2);
    let (warm_up, kept) = (200, 1_500);
    for t in 0..warm_up + kept {
        let before = kernel.position(&chain).clone();
        let info = kernel.step(&path, 1.0, &StepTuning::default(), &mut chain, &key.step(t), &mut ws);
        if t < warm_up {
            continue;
        }
        joined = joined.join(info);
        let x = kernel.position(&chain).clone();
        let mut e = vec![0.0; CHAINS];
        energy.energy(&x, &mut e, &mut ws);
        for c in 0..CHAINS {
            energies[c].push(e[c]);
            first[c].push(x.row(c)[0]);
            stayed[c] += if x.row(c) == before.row(c) { 1.0 / kept as f64 } else { 0.0 };
        }
        if t % 10 == 0 {
            meter.record(&energy, &x, 1e-3, &mut ws);
        }
    }
    Run {
        energies: energies.concat(),
        first: first.concat(),
        stayed,
        acceptance: joined.acceptance_rate(),
        temperature: meter.read(),
    }
}

fn judge(run: &Run, steps: Option<(f64, bool)>) -> Diagnosis {
    let starts = vec![("data".to_string(), 0..CHAINS / 2), ("the base".to_string(), CHAINS / 2..CHAINS)];
    let mut o = Observations::of(Draws::new(&run.energies, CHAINS).unwrap(), starts);
    o.projections = vec![Draws::new(&run.first, CHAINS).unwrap()];
    o.self_transitions.clone_from(&run.stayed);
    o.temperature.clone_from(&run.temperature);
    o.steps = steps.map(|(size, corrected)| Steps { size, corrected, acceptance: run.acceptance });
    examine(&o)
}

const ROUND: Wells = Wells { centre: 0.0 };

#[test]
fn healthy_chains_raise_no_alarm() {
    for (step, energy) in [(0.5, ROUND), (0.8, Wells { centre: 1.0 })] {
        let found = judge(&run(&Mala::new(step).unwrap(), energy, |c| c as f64 - 8.0), Some((step, true)));
        assert_eq!(found.state, State::Converged, "{:?}", found.findings);
        assert!(found.rhat < 1.01 && found.ess > 400.0 && found.findings.is_empty());
    }
}

/// Half of the chains start at data in both wells, the others in one of them: nothing crosses a gap of 12 widths.
#[test]
fn two_modes_and_one_visited() {
    let starts = |c: usize| if c < CHAINS / 2 && c.is_multiple_of(4) { -6.0 } else { 6.0 };
    let found = judge(&run(&Mala::new(0.5).unwrap(), Wells { centre: 6.0 }, starts), Some((0.5, true)));
    assert_eq!(found.state, State::Stuck);
    let modes = found.findings.iter().find_map(|f| if let Finding::Modes(m) = f { Some(m) } else { None });
    let modes = modes.expect("the modes are found");
    assert!(modes.crossings == 0.0 && modes.distance > 10.0, "{modes:?}");
    assert!((modes.shares[0].1 - 0.75).abs() < 1e-9 && (modes.shares[1].1 - 1.0).abs() < 1e-9, "{modes:?}");
    assert!(found.findings.iter().any(|f| matches!(f, Finding::NotMixed { .. })), "{:?}", found.findings);
    assert!(found.findings.iter().any(|f| f.to_string().contains("temper")));
}

/// A temperature that is wrong by 20 %, and by nothing.
#[test]
fn the_wrong_temperature_is_named() {
    for (set, word) in [(0.8, "noise is too small"), (1.2, "not corrected")] {
        let kernel = Langevin::new(0.02).unwrap().with_temperature(set).unwrap();
        // Steps of 0.02 forget in 50: the 1,500 kept are few, which is said as well.
        let found = judge(&run(&kernel, ROUND, |_| 0.0), Some((0.02, false)));
        let text: Vec<String> = found.findings.iter().map(ToString::to_string).collect();
        assert_eq!(found.state, State::WrongTemperature, "{text:?}");
        assert!(text[0].contains(word), "{text:?}");
        let Finding::WrongTemperature { reading, .. } = &found.findings[0] else { panic!("{text:?}") };
        assert!((reading.value / set - 1.0).abs() < 0.1, "{reading:?}");
    }
    let found = judge(&run(&Langevin::new(0.02).unwrap(), ROUND, |_| 0.0), Some((0.02, false)));
    assert!(found.state <= State::Slow, "{:?}", found.findings);
}

/// Uncorrected steps on a curvature of 1: a fine one heats by a quarter and is told the step that would not; one ten times as
/// large as 0.15 doubles the temperature twice over; beyond 2 the chains explode.
#[test]
fn steps_that_are_too_large_are_named() {
    let found = judge(&run(&Langevin::new(0.4).unwrap(), ROUND, |_| 0.0), Some((0.4, false)));
    let Finding::WrongTemperature { reading, corrected_step: Some(better), .. } = &found.findings[0] else {
        panic!("{:?}", found.findings)
    };
    assert!((reading.value - 1.25).abs() < 0.06 && (better / 0.016 - 1.0).abs() < 0.3, "{reading:?} {better}");
    assert!(found.findings[0].to_string().contains("only in the limit"));
    let found = judge(&run(&Langevin::new(1.5).unwrap(), ROUND, |_| 0.0), Some((1.5, false)));
    assert!(matches!(found.findings[0], Finding::StepTooLarge { .. }), "{:?}", found.findings);
    // With a Metropolis decision proposals are refused instead; ten times as large again, all of them.
    let found = judge(&run(&Mala::new(12.0).unwrap(), ROUND, |c| c as f64 / 8.0), Some((12.0, true)));
    assert!(found.findings.iter().any(|f| matches!(f, Finding::StepRefused { .. })), "{:?}", found.findings);
    let found = judge(&run(&Mala::new(1e4).unwrap(), ROUND, |c| c as f64 / 8.0), Some((1e4, true)));
    assert_eq!(found.state, State::Stuck);
    assert!(found.findings.iter().any(|f| matches!(f, Finding::Stuck { chains: CHAINS, .. })), "{:?}", found.findings);
    // Chains that left are counted by whoever runs them.
    let healthy = run(&Mala::new(0.5).unwrap(), ROUND, |_| 0.0);
    let mut o = Observations::of(Draws::new(&healthy.energies, CHAINS).unwrap(), Vec::new());
    o.exploded = 3;
    assert_eq!(examine(&o).state, State::Exploded);
}

/// Independent energies around a level by start, and what else is wrong with them.
fn numbers(level: impl Fn(usize) -> f64) -> Vec<f64> {
    let mut rng = Key::from_seed(11).rng();
    (0..CHAINS * 200).map(|i| level(i / 200) + rng.normal()).collect()
}

#[test]
fn energies_by_start_false_valleys_and_momenta() {
    let starts = || vec![("data".to_string(), 0..CHAINS / 2), ("the base".to_string(), CHAINS / 2..CHAINS)];
    let (level, apart) = (numbers(|_| 0.0), numbers(|c| if c < CHAINS / 2 { 0.0 } else { 0.4 }));
    let healthy = Observations::of(Draws::new(&level, CHAINS).unwrap(), starts());
    assert_eq!(examine(&healthy).state, State::Converged);
    let found = examine(&Observations::of(Draws::new(&apart, CHAINS).unwrap(), starts()));
    assert!(found.findings.iter().any(|f| matches!(f, Finding::StartsDisagree { .. })), "{:?}", found.findings);

    let valley = |short: f64, data: f64| {
        examine(&Observations { short_run: Some(short), data: Some((data, 1.0)), ..healthy.clone() })
    };
    assert!(matches!(valley(20.0, 15.0).findings[0], Finding::FalseValley { .. }));
    // Chains on their way, rows that lie as low, and no gap: none is a false valley.
    assert!(valley(20.0, 0.5).findings.is_empty() && valley(0.2, 15.0).findings.is_empty());

    let momenta = |value: f64| examine(&Observations { e_bfmi: Some(value), ..healthy.clone() });
    assert!(matches!(momenta(0.1).findings[..], [Finding::LowEBfmi { .. }]) && momenta(0.9).findings.is_empty());

    let hot = Reading { value: 1.01, std_err: 0.001, lower: 1.008, upper: 1.012 };
    let temperature = Some(Temperature { overall: hot, directions: vec![hot] });
    assert!(examine(&Observations { temperature, ..healthy }).findings.is_empty(), "one per cent is no alarm");
    // Few draws: slow, with how long to go on.
    let short = Observations::of(Draws::new(&level[..CHAINS * 8], CHAINS).unwrap(), starts());
    assert!(matches!(examine(&short).findings[0], Finding::SlowMixing { .. } | Finding::NotMixed { .. }));
}

/// Tempering over a gap of 12 widths: two temperatures do not swap; ten travel.
#[test]
fn too_few_temperatures_are_named() {
    let healthy = run(&Mala::new(0.5).unwrap(), ROUND, |_| 0.0);
    let with = |swaps: &SwapStatistics| {
        let mut o = Observations::of(Draws::new(&healthy.energies, CHAINS).unwrap(), Vec::new());
        o.swaps = Some(swaps);
        examine(&o).findings
    };
    let temper = |ladder: Vec<f64>| {
        let kernel = Tempering::new(Mala::new(0.5).unwrap(), ladder).unwrap();
        let (path, mut ws) = (Target(Wells { centre: 6.0 }), Scratch::default());
        let mut chain = kernel.init(&path, Dense::from_rows(2, [6.0, 0.0].repeat(CHAINS)), &mut ws);
        for t in 0..1_000 {
            kernel.step(&path, 1.0, &PerLevel::default(), &mut chain, &Key::from_seed(1).step(t), &mut ws);
        }
        chain.swaps().clone()
    };
    let few = temper(vec![0.002, 1.0]);
    let found = with(&few);
    assert!(matches!(found[..], [Finding::TooFewTemperatures { levels: 2, .. }]), "{found:?} {few:?}");
    let enough = temper((0..12).map(|i| 0.002f64.powf(1.0 - f64::from(i) / 11.0)).collect());
    let found = with(&enough);
    assert!(!found.iter().any(|f| matches!(f, Finding::TooFewTemperatures { .. })), "{found:?}");
    // Swaps without journeys: the kernel is what holds the replicas.
    let held = SwapStatistics { tried: vec![500; 3], acceptance: vec![250.0; 3], round_trips: 0, rounds: 1_000 };
    assert!(matches!(with(&held)[..], [Finding::NoRoundTrips { .. }]));
    let free = SwapStatistics { round_trips: 90, ..held };
    assert!(with(&free).is_empty());
}

/// Ten coordinates: `|x|^2 / 2`, or the energy `11 / 2 log(1 + |x|^2)` of a Cauchy distribution.
#[derive(Clone, Copy)]
struct Ten {
    heavy: bool,
}

impl Energy for Ten {
    type X = Dense<f64>;

    fn energy(&self, x: &Dense<f64>, out: &mut [f64], _: &mut Scratch) {
        for (o, x) in out.iter_mut().zip(x.values().chunks_exact(10)) {
            let square: f64 = x.iter().map(|v| v * v).sum();
            *o = if self.heavy { 5.5 * square.ln_1p() } else { 0.5 * square };
        }
    }
}

impl Gradient for Ten {
    fn energy_grad(&self, x: &Dense<f64>, e: &mut [f64], g: &mut Dense<f64>, ws: &mut Scratch) {
        self.energy(x, e, ws);
        for (g, x) in g.values_mut().chunks_exact_mut(10).zip(x.values().chunks_exact(10)) {
            let square: f64 = x.iter().map(|v| v * v).sum();
            let factor = if self.heavy { 11.0 / (1.0 + square) } else { 1.0 };
            g.iter_mut().zip(x).for_each(|(g, x)| *g = factor * x);
        }
    }
}

/// Of a normal distribution fresh momenta carry half of the energy's variance, and the fraction is 1 or more. The energy of a
/// Cauchy distribution varies by `5.5^2 Var log(1 + |x|^2)`, over 100, beside the 5 of ten momenta: below a tenth.
#[test]
fn heavy_tails_are_seen_in_the_momenta() {
    let fraction = |heavy: bool| {
        let (kernel, path, mut ws) = (Hmc::new(0.3, 6).unwrap(), Target(Ten { heavy }), Scratch::default());
        let mut chain = kernel.init(&path, Dense::from_rows(10, vec![0.5; 10 * CHAINS]), &mut ws);
        let mut totals = vec![Vec::new(); CHAINS];
        for t in 0..2_000 {
            kernel.step(&path, 1.0, &StepTuning::default(), &mut chain, &Key::from_seed(3).step(t), &mut ws);
            totals.iter_mut().zip(chain.total_energies()).for_each(|(all, e)| all.push(*e));
        }
        let all = totals.concat();
        let value = e_bfmi(&Draws::new(&all, CHAINS).unwrap());
        let healthy = numbers(|_| 0.0);
        let mut o = Observations::of(Draws::new(&healthy, CHAINS).unwrap(), Vec::new());
        o.e_bfmi = Some(value);
        (value, examine(&o).findings)
    };
    let (value, findings) = fraction(true);
    assert!(value < 0.2 && matches!(findings[..], [Finding::LowEBfmi { .. }]), "{value} {findings:?}");
    let (value, findings) = fraction(false);
    assert!(value > 0.8 && findings.is_empty(), "{value} {findings:?}");
}
