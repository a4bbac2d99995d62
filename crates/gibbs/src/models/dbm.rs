//! The deep Boltzmann machine behind the common interface. Its likelihoods are estimates of lower bounds.

use gibbs_core::energy::Parametric;
use gibbs_core::key::{Key, Purpose};
use gibbs_core::log_partition::{Certificate, LogZ};
use gibbs_core::persist::{StateError, Tensor, TensorMap};
use gibbs_core::rows::Rows;
use gibbs_core::samplers::SwapStatistics;
use gibbs_spin::dbm::MeanField;
use gibbs_spin::{Bernoulli, Bits, Dbm, RbmPath};

use super::{Likelihood, LogZOptions, Model, RbmModel, SampleObserver, Start};
use crate::batch::Batch;
use crate::bracket::BracketOptions;
use crate::config::ModelKind;
use crate::error::Error;
use crate::progress::Progress;

/// Name of the base's log-odds among the saved tensors.
const BASE: &str = "base_logits";
/// Draws of the even hidden layers for the bound of a row.
const DRAWS: usize = 10;

/// A deep Boltzmann machine with the base that annealing starts from.
///
/// [`Model::energy`] is an estimate, from fixed random numbers, of a bound that is never below the free energy
/// ([`Dbm::free_energy_by_draws`], ten draws from mean field), so that `-energy - log Z` is on average a **lower bound** of
/// the log-likelihood. `log Z`, chains and temperatures are those of the RBM between even and odd layers.
#[derive(Clone, Debug)]
pub struct DbmModel {
    /// The machine.
    pub machine: Dbm,
}

/// Mean field of an evaluation.
fn mean_field() -> MeanField {
    MeanField::new(30, 1e-3, 0.0).expect("constants in range")
}

impl DbmModel {
    /// The layout of the file, all F32: `weights_1` (visible x first hidden), `weights_2`, .., `bias_0` (visible),
    /// `bias_1`, .., `base_logits` of the even layers (visible, second hidden, ..).
    pub(crate) fn from_tensors(map: &TensorMap) -> Result<Self, StateError> {
        let read = |name: String| map.expect(&name, None)?.to_f32(&name);
        let n = (1..u8::MAX).take_while(|l| map.get(&format!("weights_{l}")).is_some()).count();
        let weights = (1..=n).map(|l| read(format!("weights_{l}"))).collect::<Result<Vec<_>, _>>()?;
        let biases = (0..=n).map(|l| read(format!("bias_{l}"))).collect::<Result<Vec<_>, _>>()?;
        let machine = Dbm::from_arrays(&weights, &biases)
            .map_err(|e| StateError::Invalid { name: "weights_1".into(), reason: e.to_string() })?;
        let base = map.expect(BASE, Some(&[machine.layers().n_even()]))?.to_f32(BASE)?;
        if base.iter().any(|b| !b.is_finite()) {
            return Err(StateError::Invalid {
                name: BASE.into(),
                reason: "it holds a number that is not finite".into(),
            });
        }
        Ok(Self { machine: machine.with_base(Bernoulli::new(base)) })
    }

    /// The RBM between even and odd layers.
    fn joint(&self) -> RbmModel {
        RbmModel { path: self.machine.path().clone() }
    }
}

/// The bits of rows that this model was given.
fn bits(rows: &Batch) -> &Bits {
    rows.bits().expect("a deep Boltzmann machine is a model of bits")
}

fn energies(machine: &Dbm, rows: &Bits) -> Vec<f64> {
    machine.free_energy_by_draws(rows, &mean_field(), DRAWS, &Key::from_seed(0).purpose(Purpose::Other))
}

/// Shows an observer the visible units of chains that hold all even layers.
struct Visible<'a> {
    machine: &'a Dbm,
    observer: &'a mut dyn SampleObserver,
}

impl SampleObserver for Visible<'_> {
    fn observe(&mut self, step: u64, rows: &Batch, _energies: &[f64]) -> bool {
        let visible = bits(rows).first_columns(self.machine.layers().n_visible());
        let wanted = self.observer.wants_energies(step);
        let energies = if wanted { energies(self.machine, &visible) } else { Vec::new() };
        self.observer.observe(step, &Batch::Bits(visible), &energies)
    }
}

impl Model for DbmModel {
    fn kind(&self) -> ModelKind {
        ModelKind::Dbm
    }

    fn n_columns(&self) -> usize {
        self.machine.layers().n_visible()
    }

    fn describe(&self) -> String {
        let widths: Vec<String> = self.machine.layers().widths().iter().map(usize::to_string).collect();
        format!("deep Boltzmann machine, layers of {} units", widths.join("-"))
    }

    fn likelihood(&self) -> Likelihood {
        Likelihood::LowerBound
    }

    fn energy(&self, rows: &Batch) -> Vec<f64> {
        energies(&self.machine, bits(rows))
    }

    fn pseudo_log_likelihood(&self, _rows: &Batch) -> Option<Vec<f64>> {
        None
    }

    fn log_z(&self, how: &LogZOptions, key: &Key, progress: &dyn Progress) -> Result<LogZ, Error> {
        self.joint().log_z(how, key, progress)
    }

    fn exact_work(&self) -> Option<u64> {
        self.joint().exact_work()
    }

    /// From visible rows the other even layers start at the base.
    fn bracket(
        &self,
        how: &BracketOptions,
        rows: Option<&Batch>,
        key: &Key,
        progress: &dyn Progress,
    ) -> Result<Certificate, Error> {
        let even = rows.map(|r| Batch::Bits(self.machine.even_rows(bits(r), &key.purpose(Purpose::Hidden))));
        self.joint().bracket(how, even.as_ref(), key, progress)
    }

    /// Chains of all even layers; from rows the other even layers start at the base. Energies shown to the observer are
    /// bounds of the free energy at temperature `1 / beta`.
    fn sample(
        &self,
        n_chains: usize,
        start: Start<'_>,
        beta: f64,
        steps: u64,
        key: &Key,
        observer: &mut dyn SampleObserver,
    ) -> Batch {
        let mut tempered = self.machine.clone();
        tempered.path_mut().target.params_mut().scale(beta as f32);
        let even = match start {
            Start::Base => None,
            Start::Rows(rows) => {
                let rows = bits(rows).select(&(0..n_chains).map(|i| i % rows.n_rows()).collect::<Vec<_>>());
                Some(Batch::Bits(self.machine.even_rows(&rows, &key.purpose(Purpose::Hidden))))
            }
        };
        let start = even.as_ref().map_or(Start::Base, Start::Rows);
        let chains = RbmModel { path: RbmPath::new(self.machine.path().base.clone(), tempered.joint().clone()) };
        let mut watch = Visible { machine: &tempered, observer };
        let last = chains.sample(n_chains, start, 1.0, steps, key, &mut watch);
        Batch::Bits(bits(&last).first_columns(self.n_columns()))
    }

    /// Of the RBM between even and odd layers.
    fn temper(
        &self,
        levels: usize,
        from: &Batch,
        steps: u64,
        key: &Key,
        observer: &mut dyn SampleObserver,
    ) -> Result<SwapStatistics, Error> {
        let even = Batch::Bits(self.machine.even_rows(bits(from), &key.purpose(Purpose::Hidden)));
        let mut watch = Visible { machine: &self.machine, observer };
        self.joint().temper(levels, &even, steps, key, &mut watch)
    }

    fn tensors(&self) -> TensorMap {
        let mut map = TensorMap::default();
        let widths = self.machine.layers().widths();
        for (l, pair) in widths.windows(2).enumerate() {
            map.insert(format!("weights_{}", l + 1), Tensor::from_f32(pair, &self.machine.weights(l)));
        }
        for (l, n) in widths.iter().enumerate() {
            map.insert(format!("bias_{l}"), Tensor::from_f32(&[*n], self.machine.bias(l)));
        }
        let base = self.machine.path().base.logits();
        map.insert(BASE, Tensor::from_f32(&[base.len()], base));
        map
    }

    fn filters(&self) -> Vec<Vec<f32>> {
        let (weights, nh) = (self.machine.weights(0), self.machine.layers().widths()[1]);
        (0..nh).map(|j| weights.iter().skip(j).step_by(nh).copied().collect()).collect()
    }
}
