//! Every state, in an order in which one site changes at a time.

use super::super::{Field, FieldError, Labels};

/// Everything about a field of at most 2^22 states.
///
/// States are visited in the reflected Gray code of base `q`, so that a step costs the neighbours of one site; energies are
/// computed anew every 1024 states, so that rounding does not add up.
///
/// # Source
/// Knuth 2011, *The Art of Computer Programming* 4A, section 7.2.1.1, algorithm H.
///
/// # Example
/// ```
/// use gibbs_spin::field::{Enumeration, Field, Pair};
/// use gibbs_spin::graph::Graph;
/// let chain = Graph::from_edges(3, &[(0, 1), (1, 2)])?;
/// let exact = Enumeration::new(&Field::uniform(chain, 2, &Pair::Ising, 0.7)?)?;
/// // A chain: 2 (2 cosh J)^2.
/// assert!((exact.log_z - (2f64.ln() + 2.0 * (2.0 * 0.7f64.cosh()).ln())).abs() < 1e-12);
/// # Ok::<(), gibbs_spin::field::FieldError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Enumeration {
    /// `log Z`, nats.
    pub log_z: f64,
    /// `p(x_i = a)`, `n_sites` x `q`.
    pub marginals: Vec<f64>,
    /// A state of least energy.
    pub most_probable: Vec<u8>,
    /// Its energy.
    pub least_energy: f64,
}

impl Enumeration {
    /// The most states that are visited.
    pub const LIMIT: usize = 1 << 22;

    /// Visits every state, twice.
    ///
    /// # Errors
    /// More than 2^22 states.
    pub fn new(field: &Field) -> Result<Self, FieldError> {
        let (q, n) = (field.n_states(), field.n_sites());
        checked_states(q, n)?;
        let mut energies = Vec::new();
        let (mut best, mut least) = (vec![0; n], f64::INFINITY);
        visit(field, |x, e| {
            if e < least {
                least = e;
                best.copy_from_slice(x);
            }
            energies.push(e);
        });
        let sum: f64 = energies.iter().map(|e| (least - e).exp()).sum();
        let mut marginals = vec![0.0; n * q];
        let mut k = 0;
        gray_code(q, n, |x, _| {
            let p = (least - energies[k]).exp() / sum;
            x.iter().enumerate().for_each(|(i, a)| marginals[i * q + usize::from(*a)] += p);
            k += 1;
        });
        Ok(Self { log_z: sum.ln() - least, marginals, most_probable: best, least_energy: least })
    }

    /// Probability of every state; state `s` has label `s / q^i % q` at site `i`. For tests of samplers.
    ///
    /// # Errors
    /// More than 2^22 states.
    pub fn probabilities(field: &Field) -> Result<Vec<f64>, FieldError> {
        let (q, n) = (field.n_states(), field.n_sites());
        let mut log_p = vec![0.0; checked_states(q, n)?];
        visit(field, |x, e| log_p[number_of(q, x)] = -e);
        super::super::normalise(&mut log_p);
        Ok(log_p)
    }

    /// How often each state occurs, in the order of [`Enumeration::probabilities`].
    pub fn counts(x: &Labels) -> Vec<u64> {
        use gibbs_core::rows::Rows;
        let mut counts = vec![0; x.n_states().pow(x.n_sites() as u32)];
        (0..x.n_rows()).for_each(|r| counts[number_of(x.n_states(), x.row(r))] += 1);
        counts
    }
}

fn number_of(q: usize, x: &[u8]) -> usize {
    x.iter().rev().fold(0, |s, a| s * q + usize::from(*a))
}

/// The number of states, if it is not too large.
pub(in super::super) fn checked_states(q: usize, n: usize) -> Result<usize, FieldError> {
    let count = u32::try_from(n).ok().and_then(|n| q.checked_pow(n)).filter(|count| *count <= Enumeration::LIMIT);
    count.ok_or_else(|| FieldError::TooLarge {
        method: "enumeration",
        needed: (q as f64).powf(n as f64),
        limit: Enumeration::LIMIT as f64,
        advice: "use Elimination where the graph is narrow, or annealed importance sampling",
    })
}

/// Calls `visit(x, E(x))` for every state.
fn visit(field: &Field, mut visit: impl FnMut(&[u8], f64)) {
    let (q, mut energy, mut steps) = (field.n_states(), 0.0, 0u64);
    let mut weights = vec![0.0; q];
    gray_code(q, field.n_sites(), |x, changed| {
        match changed {
            Some((site, old)) if steps % 1024 != 0 => {
                field.log_weights(x, site, 1.0, &mut weights);
                energy += weights[usize::from(old)] - weights[usize::from(x[site])];
            }
            _ => energy = field.energy_of(x),
        }
        steps += 1;
        visit(x, energy);
    });
}

/// All words of `n` digits below `q`; from one to the next a single digit changes, which is named with its old value.
pub(in super::super) fn gray_code(q: usize, n: usize, mut visit: impl FnMut(&[u8], Option<(usize, u8)>)) {
    let (mut x, mut up) = (vec![0u8; n], vec![true; n]);
    visit(&x, None);
    loop {
        // The first digit that can go on in its direction; those before it turn round.
        let can = |k: &usize| if up[*k] { usize::from(x[*k]) + 1 < q } else { x[*k] > 0 };
        let Some(site) = (0..n).find(can) else { return };
        up[..site].iter_mut().for_each(|u| *u = !*u);
        let old = x[site];
        x[site] = if up[site] { old + 1 } else { old - 1 };
        visit(&x, Some((site, old)));
    }
}
