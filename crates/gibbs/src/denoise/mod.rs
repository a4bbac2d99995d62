//! Pictures restored from noisy ones: `gibbs denoise`.
//!
//! Channels are restored one by one. A channel of two values is a binary picture with flipped pixels, whose law is an Ising
//! model given what was seen ([`gibbs_spin::restoration::binary`]); any other is a grey picture with Gaussian noise on a few
//! levels ([`gibbs_spin::restoration::levels`]). What is not given of coupling and noise is estimated from the noisy picture.

mod report;

use std::str::FromStr;

use gibbs_core::key::{Key, Purpose};
use gibbs_data::Picture;
use gibbs_kernels::multispin::picture::Picture as BitPicture;
use gibbs_spin::field::inference::{Annealing, BeliefPropagation, Convergence, MeanField, icm};
use gibbs_spin::field::{FieldError, Pair};
use gibbs_spin::graph::Connectivity;
use gibbs_spin::restoration::estimate::FEWEST;
use gibbs_spin::restoration::levels::Known;
use gibbs_spin::restoration::{Estimate, Flips, Levels, Prior, Restoration};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::progress::Progress;
use report::differing;
pub use report::{ChannelReport, DenoiseReport, Distance, write_png};

/// What is believed of neighbouring pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Model {
    /// Ising where every channel has two values, else levels
    #[default]
    Auto,
    /// Two values, flipped pixels
    Ising,
    /// Grey levels in patches: neighbours are equal or not
    Potts,
    /// Grey levels that change smoothly but for edges
    Levels,
}

/// What is taken as the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Gibbs sampling: the likelier value of each pixel (binary) or its mean (grey)
    #[default]
    Marginals,
    /// Iterated conditional modes: descent to the nearest valley
    Icm,
    /// Mean field
    MeanField,
    /// Loopy belief propagation
    Bp,
    /// Simulated annealing towards the most probable picture
    Annealing,
}

/// A number, or `auto`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Auto(pub Option<f64>);

impl FromStr for Auto {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self(None)),
            _ => text.parse().map(|v| Self(Some(v))).map_err(|_| "expected a number or auto".into()),
        }
    }
}

/// How a picture is restored.
#[derive(Clone, Debug, PartialEq)]
pub struct DenoiseOptions {
    /// What is believed of neighbouring pixels.
    pub model: Model,
    /// What is taken as the answer.
    pub method: Method,
    /// Coupling of neighbours; of those across a corner it is divided by the square root of two. Of 24 neighbours the couplings are
    /// always estimated.
    pub coupling: Option<f64>,
    /// Probability of a flip (Ising), or standard deviation in grey values.
    pub noise: Option<f64>,
    /// Neighbours of a pixel of the Ising model: 4, 8 or 24; none is 24, or 4 where a coupling is given.
    pub neighbours: Option<usize>,
    /// Grey levels.
    pub levels: usize,
    /// Sweeps that are kept, or that cool down; a quarter as many come before.
    pub sweeps: u64,
    /// Seed.
    pub seed: u64,
}

impl Default for DenoiseOptions {
    fn default() -> Self {
        Self {
            model: Model::Auto,
            method: Method::Marginals,
            coupling: None,
            noise: None,
            neighbours: None,
            levels: 32,
            sweeps: 400,
            seed: 0,
        }
    }
}

impl DenoiseOptions {
    fn connectivity(&self) -> Result<Connectivity, Error> {
        match (self.neighbours, self.coupling) {
            (Some(4), _) | (None, Some(_)) => Ok(Connectivity::Four),
            (Some(8), _) => Ok(Connectivity::Eight),
            (Some(24) | None, None) => Ok(Connectivity::TwentyFour),
            (Some(24), Some(_)) => Err(Error::Usage(
                "--neighbours 24 takes no --coupling, it has five: leave it auto, or give 4 or 8".into(),
            )),
            (Some(other), _) => Err(Error::Usage(format!("--neighbours is {other}: give 4, 8 or 24"))),
        }
    }
}

/// The most numbers in the marginals of a channel.
const LARGEST: usize = 1 << 28;

/// Restores a picture. The same seed gives the same picture at any number of threads.
///
/// # Errors
/// Options out of range or that do not fit the picture; an interruption.
///
/// # Example
/// ```
/// use gibbs::data::Picture;
/// use gibbs::denoise::{DenoiseOptions, denoise};
/// use gibbs::progress::Silent;
/// // A bright square with one dark pixel.
/// let is_bright = |k: usize| (4..20).contains(&(k / 24)) && (4..20).contains(&(k % 24)) && k != 10 * 24 + 12;
/// let samples = (0..24 * 24).map(|k| if is_bright(k) { 200 } else { 10 }).collect();
/// let noisy = Picture { height: 24, width: 24, channels: 1, samples };
/// let options = DenoiseOptions { noise: Some(0.05), coupling: Some(0.5), ..DenoiseOptions::default() };
/// let (restored, report) = denoise(&noisy, &options, &Silent)?;
/// assert_eq!(restored.samples[10 * 24 + 12], 200);
/// assert!(report.changed < 0.05);
/// # Ok::<(), gibbs::error::Error>(())
/// ```
pub fn denoise(
    noisy: &Picture,
    options: &DenoiseOptions,
    progress: &dyn Progress,
) -> Result<(Picture, DenoiseReport), Error> {
    let start = std::time::Instant::now();
    let channels: Vec<Vec<u8>> = (0..noisy.channels).map(|c| noisy.channel(c)).collect();
    let values: Vec<Vec<u8>> = channels.iter().map(|c| values_of(c)).collect();
    let binary = values.iter().all(|v| v.len() <= 2);
    let model = match options.model {
        Model::Auto if binary => Model::Ising,
        Model::Auto => Model::Levels,
        Model::Ising if !binary => {
            let found = values.iter().map(Vec::len).max().unwrap_or(0);
            let advice = "use --model levels or potts, or reduce it to black and white first";
            return Err(Error::Usage(format!(
                "--model ising takes a picture of two values, this one has {found}; {advice}"
            )));
        }
        model => model,
    };
    check(noisy, options, model)?;
    let key = Key::from_seed(options.seed);
    let mut answer = noisy.clone();
    let mut report = DenoiseReport {
        height: noisy.height,
        width: noisy.width,
        model,
        method: options.method,
        channels: Vec::new(),
        changed: 0.0,
        before: None,
        after: None,
        seconds: 0.0,
        warnings: Vec::new(),
    };
    progress.begin("denoising", channels.len() as u64);
    for (c, (grey, values)) in channels.iter().zip(&values).enumerate() {
        if progress.stop() {
            return Err(Error::Interrupted);
        }
        let key = key.block(c as u64);
        let shape = (noisy.height, noisy.width);
        let done = match values.len() {
            0 | 1 => None,
            _ if model == Model::Ising => Some(binary_channel(shape, grey, [values[0], values[1]], options, &key)?),
            _ => Some(grey_channel(shape, grey, model, options, &key)?),
        };
        if let Some((samples, _)) = &done {
            let places = answer.samples.iter_mut().skip(c).step_by(noisy.channels);
            places.zip(samples).for_each(|(to, s)| *to = *s);
        }
        let channel = done.map(|d| d.1);
        if channel.as_ref().is_some_and(|r| r.converged == Some(false)) {
            let name = if noisy.channels == 1 { String::new() } else { format!(" in channel {c}") };
            report.warnings.push(format!("the method did not converge{name}: prefer --method marginals"));
        }
        let few = noisy.height * noisy.width < FEWEST;
        if channel.is_some() && model == Model::Ising && few && options.coupling.is_none() {
            let text = "too few pixels to estimate a coupling: that of handwritten digits is taken; see --coupling";
            report.warnings.push(text.into());
        }
        report.channels.push(channel);
        progress.advance(c as u64 + 1);
    }
    progress.end();
    report.changed = differing(&noisy.samples, &answer.samples);
    report.seconds = start.elapsed().as_secs_f64();
    Ok((answer, report))
}

fn check(noisy: &Picture, options: &DenoiseOptions, model: Model) -> Result<(), Error> {
    let wrong = |text: String| Err(Error::Usage(text));
    let connectivity = options.connectivity()?;
    if !(2..=256).contains(&options.levels) {
        return wrong(format!("--levels is {}: give 2 to 256", options.levels));
    }
    if options.sweeps == 0 {
        return wrong("--sweeps is 0: give 1 or more".into());
    }
    if let Some(coupling) = options.coupling.filter(|c| !(c.is_finite() && (0.0..=50.0).contains(c))) {
        return wrong(format!("--coupling is {coupling}: give a number from 0 to 50, or auto"));
    }
    // Methods that take the field as a graph hold five numbers an edge.
    let per_pixel = match (model, options.method) {
        (Model::Ising, Method::Marginals) => 2,
        (Model::Ising, _) => 10 * connectivity.steps().len(),
        _ => options.levels,
    };
    let needed = noisy.height.saturating_mul(noisy.width).saturating_mul(per_pixel);
    if needed > LARGEST {
        return wrong(format!(
            "{} x {} pixels of {per_pixel} numbers each are {needed} numbers, the limit is {LARGEST}: use fewer --levels or \
             --neighbours, --method marginals, or cut the picture",
            noisy.height, noisy.width
        ));
    }
    Ok(())
}

/// The values that occur, rising.
fn values_of(samples: &[u8]) -> Vec<u8> {
    let mut seen = [false; 256];
    samples.iter().for_each(|s| seen[usize::from(*s)] = true);
    (0..=255).filter(|v| seen[usize::from(*v)]).collect()
}

fn binary_channel(
    (height, width): (usize, usize),
    grey: &[u8],
    [dark, bright]: [u8; 2],
    options: &DenoiseOptions,
    key: &Key,
) -> Result<(Vec<u8>, ChannelReport), Error> {
    let seen = BitPicture::from_fn(height, width, |i, j| grey[i * width + j] == bright);
    let connectivity = options.connectivity()?;
    let known = |coupling: f64| {
        let eight = connectivity == Connectivity::Eight;
        let diagonal = if eight { coupling * std::f64::consts::FRAC_1_SQRT_2 } else { 0.0 };
        Prior { coupling, diagonal, ..Prior::default() }
    };
    let flips = options.noise.map(Flips::new).transpose().map_err(|e| Error::Usage(format!("--noise: {e}")))?;
    let estimate = Estimate { connectivity, flips, prior: options.coupling.map(known), ..Estimate::default() };
    let posterior = estimate.run(&seen, &key.purpose(Purpose::Init)).map_err(usage)?;
    let (bits, end) = restore_bits(&posterior, &seen, options.method, options.sweeps, &key.purpose(Purpose::Noise))?;
    let Restoration { prior, flips } = posterior;
    let report = ChannelReport {
        coupling: prior.coupling,
        diagonal: prior.diagonal,
        far: prior.far,
        bias: prior.bias,
        noise: flips.rate(),
        energy: posterior.energy(&BitPicture::from_fn(height, width, |i, j| bits[i * width + j] == 1), &seen),
        iterations: end.map(|e| e.iterations),
        converged: end.map(|e| e.converged),
    };
    Ok((bits.iter().map(|b| if *b == 1 { bright } else { dark }).collect(), report))
}

/// The answer of one method, a byte a pixel: 0 or 1.
///
/// # Errors
/// A picture without pixels, or too large for the method.
pub fn restore_bits(
    posterior: &Restoration,
    seen: &BitPicture,
    method: Method,
    sweeps: u64,
    key: &Key,
) -> Result<(Vec<u8>, Option<Convergence>), Error> {
    let likelier = |m: &[f64]| m.chunks_exact(2).map(|p| u8::from(p[1] > 0.5)).collect();
    Ok(match method {
        Method::Marginals => {
            let p = posterior.marginals(seen, sweeps / 4, sweeps, key);
            (p.iter().map(|p| u8::from(*p > 0.5)).collect(), None)
        }
        Method::Icm => {
            let (x, end) = icm(&posterior.field(seen).map_err(usage)?, None, 1000).map_err(usage)?;
            (x, Some(end))
        }
        Method::MeanField => {
            let fit = MeanField { tolerance: 1e-3, max_iterations: 200, ..MeanField::default() };
            let fit = fit.run(&posterior.field(seen).map_err(usage)?, None).map_err(usage)?;
            (likelier(&fit.marginals), Some(fit.convergence))
        }
        Method::Bp => {
            let bp = BeliefPropagation { damping: 0.3, tolerance: 1e-3, max_iterations: 300 };
            let beliefs = bp.run(&posterior.field(seen).map_err(usage)?).map_err(usage)?;
            (likelier(&beliefs.marginals), Some(beliefs.convergence))
        }
        Method::Annealing => {
            let annealing = Annealing { sweeps, ..Annealing::default() };
            let mut cold = Vec::with_capacity(seen.height() * seen.width());
            posterior.anneal(seen, &annealing, key).for_each(|_, _, bit| cold.push(u8::from(bit)));
            let (x, end) = icm(&posterior.field(seen).map_err(usage)?, Some(&cold), 1000).map_err(usage)?;
            (x, Some(end))
        }
    })
}

fn grey_channel(
    shape: (usize, usize),
    grey: &[u8],
    model: Model,
    options: &DenoiseOptions,
    key: &Key,
) -> Result<(Vec<u8>, ChannelReport), Error> {
    let span = f64::from(grey.iter().max().unwrap_or(&0) - grey.iter().min().unwrap_or(&0));
    // An edge is a step of 32 grey values or more.
    let spacing = span / (options.levels.max(2) - 1) as f64;
    let limit = (32.0 / spacing).powi(2).max(1.0);
    let pair = if model == Model::Potts { Pair::Potts } else { Pair::TruncatedQuadratic { limit } };
    let known = Known { noise: options.noise, coupling: options.coupling };
    let levels = Levels::new(shape, grey, options.levels, &pair, known, &key.purpose(Purpose::Init)).map_err(usage)?;
    let (field, key) = (levels.field(), key.purpose(Purpose::Noise));
    let at_levels = |x: &[u8]| x.iter().map(|a| levels.values()[usize::from(*a)]).collect::<Vec<f64>>();
    let (values, end) = match options.method {
        // The means of the laws given the neighbours settle in few sweeps.
        Method::Marginals => (levels.means(&levels.marginals(options.sweeps / 16, options.sweeps / 4 + 1, &key)), None),
        Method::Icm => {
            let (x, end) = icm(field, None, 1000).map_err(usage)?;
            (at_levels(&x), Some(end))
        }
        Method::MeanField => {
            let fit = MeanField { tolerance: 1e-3, max_iterations: 200, ..MeanField::default() };
            let fit = fit.run(field, None).map_err(usage)?;
            (levels.means(&fit.marginals), Some(fit.convergence))
        }
        Method::Bp => {
            let bp = BeliefPropagation { damping: 0.3, tolerance: 1e-2, max_iterations: 100 };
            let beliefs = bp.run(field).map_err(usage)?;
            (levels.means(&beliefs.marginals), Some(beliefs.convergence))
        }
        Method::Annealing => {
            let annealing = Annealing { sweeps: options.sweeps, ..Annealing::default() };
            (at_levels(&annealing.run(field, &key).map_err(usage)?.0), None)
        }
    };
    let nearest = |v: f64| {
        let first = levels.values()[0];
        (((v - first) / spacing).round().clamp(0.0, (options.levels - 1) as f64)) as u8
    };
    let labels: Vec<u8> = values.iter().map(|v| nearest(*v)).collect();
    let report = ChannelReport {
        coupling: levels.coupling,
        noise: levels.noise,
        energy: field.energy_of(&labels),
        iterations: end.map(|e: Convergence| e.iterations),
        converged: end.map(|e| e.converged),
        ..ChannelReport::default()
    };
    Ok((values.iter().map(|v| v.round().clamp(0.0, 255.0) as u8).collect(), report))
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` hands it over")]
fn usage(error: FieldError) -> Error {
    Error::Usage(error.to_string())
}
