//! Synthetic tables whose distribution is known: one file a generator.
//!
//! Rows of bits: [`BarsAndStripes`], [`Parity`], [`Shifter`], [`Ising`]. Points of the plane whose density is known, so that
//! the regret `mean(log p_true - log p_model)` of a model can be computed: [`Moons`], [`EightGaussians`], [`Rings`],
//! [`Checkerboard`], [`Pinwheel`], [`TwoSpirals`], [`SwissRoll`]; and [`GaussianMixture`] in any dimension.

mod bars_and_stripes;
mod checkerboard;
mod curve;
mod eight_gaussians;
mod gaussian_mixture;
mod gaussians;
mod ising;
mod moons;
mod parity;
mod pinwheel;
mod plane;
mod rings;
mod shifter;
mod swiss_roll;
mod two_spirals;

use gibbs_core::key::{Key, Purpose, Rng};

pub use bars_and_stripes::BarsAndStripes;
pub use checkerboard::Checkerboard;
pub use eight_gaussians::EightGaussians;
pub use gaussian_mixture::GaussianMixture;
pub use ising::Ising;
pub use moons::Moons;
pub use parity::Parity;
pub use pinwheel::Pinwheel;
pub use rings::Rings;
pub use shifter::Shifter;
pub use swiss_roll::SwissRoll;
pub use two_spirals::TwoSpirals;

use crate::{DataError, Table, Values, hash};

/// A distribution over rows of bits, or over points of `R^d`, that can be drawn from exactly.
///
/// # Example
/// ```
/// use gibbs_core::key::Key;
/// use gibbs_data::generators::{BarsAndStripes, Generator};
/// let g = BarsAndStripes::new(4).unwrap();
/// let t = g.generate(None, &Key::from_seed(0)).unwrap(); // every pattern once
/// assert_eq!((t.n_rows, t.shape), (30, Some((4, 4))));
/// assert_eq!(g.entropy(), 30f64.ln());
///
/// let moons = gibbs_data::generators::from_name("moons").unwrap().unwrap();
/// let t = moons.generate(None, &Key::from_seed(0)).unwrap(); // 8,192 rows to learn from, 4,000 for the test
/// let log_p = moons.log_density(&[t.value(0, 0), t.value(0, 1)]).unwrap();
/// assert!(log_p.is_finite() && (moons.entropy() - 1.0076).abs() < 3e-3);
/// ```
pub trait Generator: std::fmt::Debug + Send + Sync {
    /// The name in the registry.
    fn name(&self) -> &'static str;

    /// `n` independent rows; with `None` every pattern once where the patterns are equally likely and few, else 10,000
    /// rows of bits or 12,192 points. Those points come with a suggested split: the first 8,192 train, the last 4,000 test.
    /// The key is used under [`Purpose::Generate`].
    ///
    /// # Errors
    /// [`DataError::NoRows`] for `n = 0`, [`DataError::TooLarge`] above 8 GiB.
    fn generate(&self, n: Option<usize>, key: &Key) -> Result<Table, DataError>;

    /// Entropy in nats, of points the differential entropy `-E log p`. Minus this is the largest expected log-likelihood
    /// that a model can have.
    fn entropy(&self) -> f64;

    /// Natural log of the true density at one point, `-inf` where it is zero. `None` for rows of bits and for a point with
    /// another number of coordinates.
    fn log_density(&self, x: &[f64]) -> Option<f64> {
        let _ = x;
        None
    }
}

/// A parameter of a generator: name, value unless set, meaning.
pub type Parameter = (&'static str, f64, &'static str);

type Build = fn(&[f64]) -> Result<Box<dyn Generator>, DataError>;

/// A row of the registry.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) parameters: &'static [Parameter],
    build: Build,
}

pub(crate) const REGISTRY: &[Entry] = &[
    Entry {
        name: bars_and_stripes::NAME,
        what: "whole rows or whole columns of a square lit, every distinct pattern equally likely",
        parameters: &[("side", 4.0, "side of the square")],
        build: |p| Ok(Box::new(BarsAndStripes::new(whole(bars_and_stripes::NAME, "side", p[0])?)?)),
    },
    Entry {
        name: parity::NAME,
        what: "bits with an even number of ones: no subset of them is correlated",
        parameters: &[("bits", 10.0, "number of bits")],
        build: |p| Ok(Box::new(Parity::new(whole(parity::NAME, "bits", p[0])?)?)),
    },
    Entry {
        name: shifter::NAME,
        what: "a ring of bits, the ring turned by -1, 0 or +1, and the turn: learning needs third-order features",
        parameters: &[("bits", 8.0, "bits of a ring")],
        build: |p| Ok(Box::new(Shifter::new(whole(shifter::NAME, "bits", p[0])?)?)),
    },
    Entry {
        name: ising::NAME,
        what: "spins on a square torus, drawn exactly (spin +1 is bit 1)",
        parameters: &[("side", 6.0, "side of the torus"), ("beta", 0.4, "inverse temperature; critical is 0.4407")],
        build: |p| Ok(Box::new(Ising::new(whole(ising::NAME, "side", p[0])?, p[1])?)),
    },
    Entry {
        name: moons::NAME,
        what: "two interleaved half circles in the plane with Gaussian noise; true density known",
        parameters: &[("noise", 0.1, "standard deviation of the noise")],
        build: |p| Ok(Box::new(Moons::new(p[0])?)),
    },
    Entry {
        name: eight_gaussians::NAME,
        what: "eight equal Gaussians on a circle in the plane; true density known",
        parameters: &[("radius", 2.0, "radius of the circle"), ("sd", 0.15, "standard deviation of a component")],
        build: |p| Ok(Box::new(EightGaussians::new(p[0], p[1])?)),
    },
    Entry {
        name: rings::NAME,
        what: "three rings of radius 0.7, 1.4 and 2.1 in the plane with radial noise; true density known",
        parameters: &[("noise", 0.05, "standard deviation of the radius")],
        build: |p| Ok(Box::new(Rings::new(p[0])?)),
    },
    Entry {
        name: checkerboard::NAME,
        what: "uniform on the eight dark unit squares of a 4x4 board on [-2, 2]^2; true density known",
        parameters: &[],
        build: |_| Ok(Box::new(Checkerboard)),
    },
    Entry {
        name: pinwheel::NAME,
        what: "Gaussian arms in the plane, twisted by an angle that grows with the radius; true density known",
        parameters: &[("arms", 5.0, "number of arms"), ("twist", 0.25, "factor of the angle exp(r / 2), in radians")],
        build: |p| Ok(Box::new(Pinwheel::new(whole(pinwheel::NAME, "arms", p[0])?, p[1])?)),
    },
    Entry {
        name: two_spirals::NAME,
        what: "two spiral arms of one and a half turns in the plane with Gaussian noise; true density known",
        parameters: &[("noise", 0.1, "standard deviation of the noise")],
        build: |p| Ok(Box::new(TwoSpirals::new(p[0])?)),
    },
    Entry {
        name: swiss_roll::NAME,
        what: "one spiral arm of one and a half turns in the plane with Gaussian noise; true density known",
        parameters: &[("noise", 0.2, "standard deviation of the noise")],
        build: |p| Ok(Box::new(SwissRoll::new(p[0])?)),
    },
    Entry {
        name: gaussian_mixture::NAME,
        what: "equal unit Gaussians in d dimensions around random centres; true density known",
        parameters: &[
            ("d", 2.0, "dimensions"),
            ("k", 5.0, "components"),
            ("spread", 4.0, "standard deviation of the centres' coordinates"),
            ("centres", 0.0, "seed of the centres"),
        ],
        build: |p| {
            let count = |name, value| whole(gaussian_mixture::NAME, name, value);
            Ok(Box::new(GaussianMixture::new(
                count("d", p[0])?,
                count("k", p[1])?,
                p[2],
                count("centres", p[3])? as u64,
            )?))
        },
    },
];

/// A generator from its name with parameters, `parity` or `ising:side=5,beta=0.3`; `None` where the name is no generator's.
///
/// # Errors
/// [`DataError::Parameter`] for a parameter that does not exist, is no number, or is out of range.
///
/// # Example
/// ```
/// let g = gibbs_data::generators::from_name("parity:bits=6").unwrap().unwrap();
/// assert_eq!(g.entropy(), 5.0 * std::f64::consts::LN_2);
/// assert!(gibbs_data::generators::from_name("mnist").unwrap().is_none());
/// ```
pub fn from_name(name: &str) -> Result<Option<Box<dyn Generator>>, DataError> {
    let (name, settings) = name.split_once(':').unwrap_or((name, ""));
    let Some(entry) = REGISTRY.iter().find(|e| e.name == name) else { return Ok(None) };
    let mut values: Vec<f64> = entry.parameters.iter().map(|p| p.1).collect();
    for setting in settings.split(',').filter(|s| !s.trim().is_empty()) {
        let known = || entry.parameters.iter().map(|p| format!("{}={}", p.0, p.1)).collect::<Vec<_>>().join(", ");
        let wrong =
            |what: String| parameter(entry.name, format!("{what}; parameters (with their defaults): {}", known()));
        let (key, value) = setting.split_once('=').ok_or_else(|| wrong(format!("{setting:?} is not NAME=VALUE")))?;
        let found = entry.parameters.iter().position(|p| p.0 == key.trim());
        let i = found.ok_or_else(|| wrong(format!("there is no parameter {:?}", key.trim())))?;
        values[i] = value.trim().parse().map_err(|_| wrong(format!("{value:?} is not a number")))?;
    }
    (entry.build)(&values).map(Some)
}

fn whole(generator: &'static str, name: &str, value: f64) -> Result<usize, DataError> {
    if value.fract() == 0.0 && (0.0..1e9).contains(&value) {
        return Ok(value as usize);
    }
    Err(parameter(generator, format!("{name} is {value}, it must be a whole number")))
}

/// The value, if it is in a range.
fn within(generator: &'static str, name: &str, value: f64, low: f64, high: f64) -> Result<f64, DataError> {
    if (low..=high).contains(&value) {
        return Ok(value);
    }
    Err(parameter(generator, format!("{name} is {value}, it must be {low} to {high}")))
}

fn parameter(generator: &'static str, problem: String) -> DataError {
    DataError::Parameter { generator, problem }
}

/// Rows when no number is given and the patterns are too many, or not equally likely.
const ROWS: usize = 10_000;

/// Patterns that are listed rather than drawn.
const LISTED: u64 = 1 << 16;

/// Rows that share one key.
const BLOCK: usize = 128;

/// `n` rows, each written by `row` with a generator of random numbers of its block.
fn draw<T: Clone + Default>(
    n: usize,
    n_cols: usize,
    key: &Key,
    mut row: impl FnMut(&mut Rng, &mut [T]),
) -> Result<Vec<T>, DataError> {
    let (found, limit) = ((n as u64).saturating_mul((n_cols * size_of::<T>()) as u64), 8 << 30);
    if found > limit {
        return Err(DataError::TooLarge { what: format!("{n} rows"), found, limit });
    }
    let mut cells = vec![T::default(); n * n_cols];
    let key = key.purpose(Purpose::Generate);
    for (b, block) in cells.chunks_mut(BLOCK * n_cols).enumerate() {
        let mut rng = key.block(b as u64).rng();
        block.chunks_exact_mut(n_cols).for_each(|cells| row(&mut rng, cells));
    }
    Ok(cells)
}

/// Rows of a uniform distribution over `count` patterns, all different: `pattern` writes one by its number.
fn uniform(
    n: Option<usize>,
    count: u64,
    n_cols: usize,
    key: &Key,
    pattern: impl Fn(u64, &mut [u8]),
) -> Result<Values, DataError> {
    if n.is_none() && count <= LISTED {
        let mut next = 0..count;
        let listed =
            draw(count as usize, n_cols, key, |_, cells| next.by_ref().take(1).for_each(|i| pattern(i, cells)));
        return listed.map(Values::U8);
    }
    draw(n.unwrap_or(ROWS), n_cols, key, |rng, cells| pattern(rng.below(count as usize) as u64, cells)).map(Values::U8)
}

/// The finished table, with its digest and its best possible likelihood.
fn table(
    generator: &dyn Generator,
    n_cols: usize,
    values: Values,
    shape: Option<(usize, usize)>,
) -> Result<Table, DataError> {
    let mut table = Table::from_values(n_cols, values)?;
    let who = format!("{generator:?}");
    table.source_hash = match &table.values {
        Values::U8(v) => hash::of_parts(&[who.as_bytes(), v]),
        Values::F64(v) => {
            let bytes: Vec<u8> = v.iter().flat_map(|x| x.to_le_bytes()).collect();
            hash::of_parts(&[who.as_bytes(), &bytes])
        }
    };
    table.source = generator.name().to_string();
    table.max_log_likelihood = Some(-generator.entropy());
    table.shape = shape;
    Ok(table)
}
