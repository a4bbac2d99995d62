//! The fully visible Boltzmann machine, or one on any graph: energy, heat bath by colours, exact sums, the maximum of the
//! likelihood.

pub mod exact;
mod fit;

pub use exact::{ENUMERATION_LIMIT, log_z};
pub use fit::fit;

use gibbs_core::energy::{Blocks, Energy, Flips, Parametric};
use gibbs_core::objectives::ModelMoments;
use gibbs_core::params::ParamMap;
use gibbs_core::rows::{Natural, Rows};
use gibbs_core::scratch::Scratch;
use gibbs_kernels::bit_gemm::{self, Matrix};
use gibbs_kernels::bits;

use crate::Bits;

/// Name of the couplings among the parameters, one a pair.
pub const COUPLINGS: &str = "couplings";
/// Name of the biases.
pub const BIAS: &str = "bias";

/// Boltzmann machine over bits: `E(x) = -sum_{(i, j)} J_ij x_i x_j - sum_i b_i x_i` over the pairs of a graph.
///
/// Its log-likelihood is concave in the parameters, so where `log Z` can be summed the maximum is unique (in the moments;
/// in the parameters too once a penalty is added). Sites of one colour are independent given the others and are
/// redrawn together ([`Blocks`]): one a block where all pairs are coupled.
///
/// # Shapes
/// `J`: pairs `(i, j)` with `i < j` in the order of [`Boltzmann::pairs`]; `b`: sites; `f32`. Energies `f64`, nats.
///
/// # Example
/// ```
/// use gibbs_core::{energy::{Energy, Parametric}, scratch::Scratch};
/// use gibbs_spin::{Bits, Boltzmann, boltzmann};
/// let mut model = Boltzmann::dense(3);
/// model.params_mut().get_mut(boltzmann::COUPLINGS)[0] = 2.0; // sites 0 and 1
/// let mut e = [0.0];
/// model.energy(&Bits::from_rows(&[[true, true, false]]), &mut e, &mut Scratch::default());
/// assert_eq!(e, [-2.0]);
/// // Z = 2 (3 + e^2): the third site is free.
/// assert!((boltzmann::log_z(&model).unwrap() - (2.0 * (3.0 + 2f64.exp())).ln()).abs() < 1e-12);
/// ```
///
/// # Source
/// Ackley, Hinton & Sejnowski 1985, DOI ``10.1207/s15516709cog0901_7``.
#[derive(Clone, Debug, PartialEq)]
pub struct Boltzmann {
    n: usize,
    pairs: Vec<(usize, usize)>,
    /// Of every site: its neighbours and the pair that joins them.
    neighbours: Vec<Vec<(usize, usize)>>,
    colours: Vec<Vec<usize>>,
    params: ParamMap,
}

/// Why pairs are not the edges of a graph.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BoltzmannError {
    /// A machine without sites.
    #[error("a Boltzmann machine has at least one site")]
    Empty,
    /// A pair names a site that does not exist.
    #[error("pair {index} joins {pair:?}, but the sites are 0 to {last}")]
    Site {
        /// Number of the pair.
        index: usize,
        /// The pair.
        pair: (usize, usize),
        /// The last site.
        last: usize,
    },
    /// A site is coupled to itself: put that into its bias.
    #[error("pair {index} joins site {site} to itself: on bits that is a bias")]
    Loop {
        /// Number of the pair.
        index: usize,
        /// The site.
        site: usize,
    },
    /// A pair is named twice.
    #[error("pair {index} joins {pair:?} once more: add its couplings up")]
    Twice {
        /// Number of the pair.
        index: usize,
        /// The pair.
        pair: (usize, usize),
    },
}

impl Boltzmann {
    /// All pairs coupled, all parameters zero.
    ///
    /// # Panics
    /// If there are no sites.
    pub fn dense(n: usize) -> Self {
        let pairs: Vec<(usize, usize)> = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j))).collect();
        Self::on_graph(n, pairs).expect("all pairs of at least one site")
    }

    /// These pairs coupled, all parameters zero. The smaller site of a pair may stand second.
    ///
    /// # Errors
    /// [`BoltzmannError`] with the number of the offending pair.
    pub fn on_graph(n: usize, pairs: Vec<(usize, usize)>) -> Result<Self, BoltzmannError> {
        if n == 0 {
            return Err(BoltzmannError::Empty);
        }
        let mut neighbours: Vec<Vec<(usize, usize)>> = vec![Vec::new(); n];
        let mut seen = std::collections::HashSet::new();
        for (index, &(i, j)) in pairs.iter().enumerate() {
            if i.max(j) >= n {
                return Err(BoltzmannError::Site { index, pair: (i, j), last: n - 1 });
            }
            if i == j {
                return Err(BoltzmannError::Loop { index, site: i });
            }
            if !seen.insert((i.min(j), i.max(j))) {
                return Err(BoltzmannError::Twice { index, pair: (i, j) });
            }
            neighbours[i].push((j, index));
            neighbours[j].push((i, index));
        }
        let shapes = [[pairs.len()], [n]];
        let params = ParamMap::zeros(&[(COUPLINGS, &shapes[0]), (BIAS, &shapes[1])]);
        let colours = coloured(&neighbours);
        Ok(Self { n, pairs, neighbours, colours, params })
    }

    /// Number of sites.
    pub fn n_sites(&self) -> usize {
        self.n
    }

    /// The coupled pairs, in the order of their couplings.
    pub fn pairs(&self) -> &[(usize, usize)] {
        &self.pairs
    }

    /// Couplings as a symmetric matrix, sites x sites.
    fn matrix(&self) -> Vec<f32> {
        let mut matrix = vec![0.0; self.n * self.n];
        for (&(i, j), &coupling) in self.pairs.iter().zip(self.params.get(COUPLINGS)) {
            matrix[i * self.n + j] = coupling;
            matrix[j * self.n + i] = coupling;
        }
        matrix
    }

    /// `J x + b`, rows x sites: log-odds of every site given the others.
    fn fields(&self, x: &Bits, out: &mut [f32]) {
        assert_eq!(x.n_cols(), self.n, "rows of {} sites", self.n);
        bit_gemm::bit_gemm(
            x.view(),
            Matrix::row_major(&self.matrix(), self.n, self.n),
            Some(self.params.get(BIAS)),
            out,
        );
    }
}

/// Sites by colour, greedily, those of most neighbours first: no two of a colour are neighbours.
fn coloured(neighbours: &[Vec<(usize, usize)>]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..neighbours.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(neighbours[i].len()));
    let mut colour = vec![usize::MAX; neighbours.len()];
    let mut classes: Vec<Vec<usize>> = Vec::new();
    for i in order {
        let taken: Vec<usize> = neighbours[i].iter().map(|&(j, _)| colour[j]).collect();
        let free = (0..=classes.len()).find(|c| !taken.contains(c)).unwrap_or(classes.len());
        if free == classes.len() {
            classes.push(Vec::new());
        }
        colour[i] = free;
        classes[free].push(i);
    }
    classes.iter_mut().for_each(|sites| sites.sort_unstable());
    classes
}

impl Energy for Boltzmann {
    type X = Bits;

    fn energy(&self, x: &Bits, out: &mut [f64], ws: &mut Scratch) {
        let mut fields = ws.take_f32(x.n_rows() * self.n);
        self.fields(x, &mut fields);
        bits::row_dots(x.view(), self.params.get(BIAS), out);
        for (row, (o, fields)) in out.iter_mut().zip(fields.chunks_exact(self.n)).enumerate() {
            let of_sites: f64 = (0..self.n).filter(|&i| x.get(row, i)).map(|i| f64::from(fields[i])).sum();
            // The fields count every coupling twice and every bias once.
            *o = -0.5 * (of_sites + *o);
        }
        ws.give_f32(fields);
    }
}

impl Flips for Boltzmann {
    fn flip_deltas(&self, x: &Bits, out: &mut [f64], ws: &mut Scratch) {
        let mut fields = ws.take_f32(out.len());
        self.fields(x, &mut fields);
        for (k, (o, &field)) in out.iter_mut().zip(&fields).enumerate() {
            *o = if x.get(k / self.n, k % self.n) { f64::from(field) } else { -f64::from(field) };
        }
        ws.give_f32(fields);
    }
}

impl Blocks for Boltzmann {
    fn n_blocks(&self) -> usize {
        self.colours.len()
    }

    fn sites(&self, block: usize) -> Vec<usize> {
        self.colours[block].clone()
    }

    fn natural(&self, x: &Bits, block: usize, out: &mut Natural, _ws: &mut Scratch) {
        let sites = &self.colours[block];
        let (couplings, bias) = (self.params.get(COUPLINGS), self.params.get(BIAS));
        out.reset(x.n_rows(), sites.len());
        for (row, logits) in out.logits.chunks_exact_mut(sites.len()).enumerate() {
            for (l, &i) in logits.iter_mut().zip(sites) {
                let on = self.neighbours[i].iter().filter(|&&(j, _)| x.get(row, j));
                *l = f64::from(bias[i]) + on.map(|&(_, pair)| f64::from(couplings[pair])).sum::<f64>();
            }
        }
    }
}

impl Parametric for Boltzmann {
    fn params(&self) -> &ParamMap {
        &self.params
    }

    fn params_mut(&mut self) -> &mut ParamMap {
        &mut self.params
    }

    /// `dE/dJ_ij = -x_i x_j`, `dE/db_i = -x_i`.
    fn add_grad(&self, x: &Bits, w: &[f64], out: &mut ParamMap, ws: &mut Scratch) {
        let n = self.n;
        let mut weighted = ws.take_f32(x.n_rows() * n);
        for (row, (values, &w)) in weighted.chunks_exact_mut(n).zip(w).enumerate() {
            values.iter_mut().enumerate().filter(|(i, _)| x.get(row, *i)).for_each(|(_, v)| *v = -w as f32);
        }
        let mut joint = ws.take_f32(n * n);
        bit_gemm::bit_gemm_tn(x.view(), &weighted, n, 1.0, &mut joint, &mut Vec::new());
        let [couplings, bias] = out.get_many_mut([COUPLINGS, BIAS]);
        couplings.iter_mut().zip(&self.pairs).for_each(|(d, &(i, j))| *d += joint[i * n + j]);
        bias.iter_mut().enumerate().for_each(|(i, d)| *d += joint[i * n + i]);
        ws.give_f32(joint);
        ws.give_f32(weighted);
    }
}

impl ModelMoments for Boltzmann {
    /// # Panics
    /// If there are more than [`ENUMERATION_LIMIT`] sites.
    fn subtract_model_grad(&self, out: &mut ParamMap, _ws: &mut Scratch) -> f64 {
        let exact::Moments { log_z, means, joint } = exact::moments(self).unwrap_or_else(|e| panic!("{e}"));
        let [couplings, bias] = out.get_many_mut([COUPLINGS, BIAS]);
        couplings.iter_mut().zip(&joint).for_each(|(d, m)| *d += *m as f32);
        bias.iter_mut().zip(&means).for_each(|(d, m)| *d += *m as f32);
        log_z
    }
}
