//! Maps of bits that keep an order: exact samples of attractive models by coupling from the past.

use gibbs_core::energy::{Blocks, Parametric};
use gibbs_core::key::{Key, Purpose};
use gibbs_core::rows::{Natural, Rows};
use gibbs_core::samplers::MonotoneMap;
use gibbs_core::scratch::Scratch;

use crate::boltzmann::COUPLINGS;
use crate::field::Ising;
use crate::{Bits, Boltzmann, Rbm};

/// Which of `n` sites to turn over so that no coupling is negative; `None` if none will do, because a cycle has an odd number of
/// negative ones (frustration).
///
/// # Example
/// ```
/// use gibbs_spin::perfect::turned;
/// assert_eq!(turned(3, [(0, 1, -1.0), (1, 2, 2.0)]), Some(vec![false, true, true]));
/// assert_eq!(turned(3, [(0, 1, -1.0), (1, 2, 2.0), (2, 0, 0.5)]), None);
/// ```
///
/// # Source
/// Balance of a signed graph: Harary 1953, DOI 10.1307/mmj/1028989917.
pub fn turned(n: usize, couplings: impl IntoIterator<Item = (usize, usize, f64)>) -> Option<Vec<bool>> {
    let mut near: Vec<Vec<(usize, bool)>> = vec![Vec::new(); n];
    for (i, j, coupling) in couplings.into_iter().filter(|c| c.2 != 0.0) {
        near[i].push((j, coupling < 0.0));
        near[j].push((i, coupling < 0.0));
    }
    let mut side: Vec<Option<bool>> = vec![None; n];
    for start in 0..n {
        if side[start].is_some() {
            continue;
        }
        side[start] = Some(false);
        let mut open = vec![(start, false)];
        while let Some((i, mine)) = open.pop() {
            for &(j, negative) in &near[i] {
                match side[j] {
                    None => {
                        side[j] = Some(mine != negative);
                        open.push((j, mine != negative));
                    }
                    Some(theirs) if theirs != (mine != negative) => return None,
                    Some(_) => {}
                }
            }
        }
    }
    Some(side.into_iter().map(|s| s == Some(true)).collect())
}

/// Greatest and least rows in the order in which a turned site counts upside down.
fn extremes(turned: &[bool], n: usize) -> [Bits; 2] {
    [false, true].map(|low| {
        let row: Vec<bool> = turned.iter().map(|t| *t == low).collect();
        Bits::from_rows(&[row]).select(&vec![0; n])
    })
}

fn join(blocks: Vec<Bits>, n_cols: usize) -> Bits {
    let n_rows = blocks.iter().map(Rows::n_rows).sum();
    Bits::from_words(n_rows, n_cols, blocks.into_iter().flat_map(Bits::into_words).collect())
}

/// Whether a site with this log-odds is on, for a uniform number: on for more numbers the larger the log-odds. A site that is
/// turned takes the same rule: it is off, and so high in its order, for more numbers the smaller its own log-odds.
fn is_on(uniform: f64, logit: f64) -> bool {
    uniform < 1.0 / (1.0 + (-logit).exp())
}

/// A heat-bath sweep over the blocks of an attractive energy of bits.
///
/// # Example
/// ```
/// use gibbs_core::{key::Key, rows::Rows, samplers::{from_the_past, meeting_time}};
/// use gibbs_spin::{field::Ising, perfect::MonotoneHeatBath};
/// let ring: Vec<(usize, usize, f64)> = (0..10).map(|i| (i, (i + 1) % 10, 0.5)).collect();
/// let ising = Ising::from_edges(10, &ring, vec![0.1; 10])?;
/// let map = MonotoneHeatBath::of_ising(&ising).expect("no frustration");
/// assert!(meeting_time(&map, 1 << 10, &Key::from_seed(0)).is_some());
/// assert_eq!(from_the_past(&map, 100, &Key::from_seed(1)).n_rows(), 100);
/// # Ok::<(), gibbs_spin::field::FieldError>(())
/// ```
#[derive(Clone, Debug)]
pub struct MonotoneHeatBath<'a, E> {
    energy: &'a E,
    turned: Vec<bool>,
}

impl<'a> MonotoneHeatBath<'a, Ising> {
    /// Of an Ising model, if turning some of its spins makes it a ferromagnet; fields may be any.
    pub fn of_ising(energy: &'a Ising) -> Option<Self> {
        let edges = energy.graph().edges().iter().zip(energy.couplings());
        let turned = turned(energy.fields().len(), edges.map(|([a, b], j)| (*a as usize, *b as usize, *j)))?;
        Some(Self { energy, turned })
    }
}

impl<'a> MonotoneHeatBath<'a, Boltzmann> {
    /// Of a Boltzmann machine, if turning some of its bits makes all couplings positive; biases may be any.
    pub fn of_boltzmann(energy: &'a Boltzmann) -> Option<Self> {
        let pairs = energy.pairs().iter().zip(energy.params().get(COUPLINGS));
        let turned = turned(energy.n_sites(), pairs.map(|(&(i, j), &c)| (i, j, f64::from(c))))?;
        Some(Self { energy, turned })
    }
}

impl<E: Blocks<X = Bits>> MonotoneMap for MonotoneHeatBath<'_, E> {
    type X = Bits;

    fn extremes(&self, n: usize) -> [Bits; 2] {
        extremes(&self.turned, n)
    }

    fn apply(&self, states: &mut [Bits; 2], key: &Key) {
        let (mut natural, mut ws) = (Natural::default(), Scratch::default());
        for block in 0..self.energy.n_blocks() {
            let sites = self.energy.sites(block);
            let mut rng = key.block(block as u64).rng();
            let uniforms: Vec<f64> = (0..states[0].n_rows() * sites.len()).map(|_| rng.uniform()).collect();
            for x in states.iter_mut() {
                self.energy.natural(x, block, &mut natural, &mut ws);
                for (k, (u, logit)) in uniforms.iter().zip(&natural.logits).enumerate() {
                    x.set(k / sites.len(), sites[k % sites.len()], is_on(*u, *logit));
                }
            }
        }
    }

    fn join(&self, blocks: Vec<Bits>) -> Bits {
        join(blocks, self.turned.len())
    }
}

/// Alternating block Gibbs of an attractive RBM: visible rows, hidden units drawn on the way.
#[derive(Clone, Debug)]
pub struct MonotoneRbm<'a> {
    model: &'a Rbm,
    /// Visible units that count upside down.
    turned: Vec<bool>,
}

impl<'a> MonotoneRbm<'a> {
    /// Of an RBM, if turning some of its units makes all weights positive; biases may be any. Trained machines seldom are.
    pub fn new(model: &'a Rbm) -> Option<Self> {
        let (nv, nh) = (model.n_visible(), model.n_hidden());
        let weights = model.weights().iter().enumerate();
        let mut turned = turned(nv + nh, weights.map(|(k, w)| (k / nh, nv + k % nh, f64::from(*w))))?;
        turned.truncate(nv);
        Some(Self { model, turned })
    }
}

impl MonotoneMap for MonotoneRbm<'_> {
    type X = Bits;

    fn extremes(&self, n: usize) -> [Bits; 2] {
        extremes(&self.turned, n)
    }

    fn apply(&self, states: &mut [Bits; 2], key: &Key) {
        let (n, nv, nh) = (states[0].n_rows(), self.model.n_visible(), self.model.n_hidden());
        let uniforms = |purpose: Purpose, m: usize| -> Vec<f64> {
            let mut rng = key.purpose(purpose).rng();
            (0..n * m).map(|_| rng.uniform()).collect()
        };
        let (of_hidden, of_visible) = (uniforms(Purpose::Hidden, nh), uniforms(Purpose::Visible, nv));
        let mut input = vec![0.0; n * nv.max(nh)];
        let mut h = Bits::zeros(n, nh);
        for v in states.iter_mut() {
            self.model.hidden_input(v, &mut input[..n * nh]);
            draw(&of_hidden, &input, &mut h);
            self.model.visible_input(&h, &mut input[..n * nv]);
            draw(&of_visible, &input, v);
        }
    }

    fn join(&self, blocks: Vec<Bits>) -> Bits {
        join(blocks, self.turned.len())
    }
}

/// Every bit from its uniform number and log-odds.
fn draw(uniforms: &[f64], logits: &[f32], out: &mut Bits) {
    let n_cols = out.n_cols();
    for (k, (u, logit)) in uniforms.iter().zip(logits).enumerate() {
        out.set(k / n_cols, k % n_cols, is_on(*u, f64::from(*logit)));
    }
}
