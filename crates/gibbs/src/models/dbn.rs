//! The deep belief net behind the common interface. Its likelihoods are estimates of lower bounds.

use gibbs_core::energy::Parametric;
use gibbs_core::key::{Key, Purpose};
use gibbs_core::log_partition::{Certificate, LogZ};
use gibbs_core::persist::{Persist, StateError, Tensor, TensorMap};
use gibbs_core::rows::Rows;
use gibbs_spin::rbm::{HIDDEN_BIAS, VISIBLE_BIAS, WEIGHTS};
use gibbs_spin::{Bernoulli, Bits, Dbn, Rbm, RbmPath};

use super::{Likelihood, LogZOptions, Model, RbmModel, SampleObserver, Start};
use crate::batch::Batch;
use crate::bracket::BracketOptions;
use crate::config::ModelKind;
use crate::error::Error;
use crate::progress::Progress;

/// Name of the log-odds of the top RBM's base among the saved tensors.
const BASE: &str = "base_logits";
/// Draws of the layers in between for the bound of a row.
const DRAWS: usize = 5;

/// A deep belief net with the base that annealing of its top RBM starts from.
///
/// [`Model::energy`] is minus an unbiased estimate, from fixed random numbers, of a lower bound of `log p(v) + log Z`
/// ([`Dbn::bound`]); `log Z` is that of the top RBM. Temperature acts on the top RBM alone.
#[derive(Clone, Debug)]
pub struct DbnModel {
    /// The net.
    pub net: Dbn,
}

impl DbnModel {
    /// The layout of the file, all F32: `rbm_1.weights` (visible x first hidden), `rbm_1.visible_bias`,
    /// `rbm_1.hidden_bias`, then those of `rbm_2`, .. (the last is the top), and the top's `base_logits`.
    pub(crate) fn from_tensors(map: &TensorMap) -> Result<Self, StateError> {
        let read = |name: String| map.expect(&name, None)?.to_f32(&name);
        let invalid = |name: &str, reason: String| StateError::Invalid { name: name.into(), reason };
        let n = (1..u8::MAX).take_while(|l| map.get(&format!("rbm_{l}.{WEIGHTS}")).is_some()).count();
        let rbm = |l: usize| {
            let part = |name: &str| read(format!("rbm_{l}.{name}"));
            Rbm::from_arrays(&part(WEIGHTS)?, &part(VISIBLE_BIAS)?, &part(HIDDEN_BIAS)?)
                .map_err(|e| invalid(&format!("rbm_{l}.{WEIGHTS}"), e.to_string()))
        };
        let mut rbms = (1..=n).map(rbm).collect::<Result<Vec<_>, _>>()?;
        let top = rbms.pop().ok_or_else(|| StateError::Missing { name: format!("rbm_1.{WEIGHTS}") })?;
        let base = map.expect(BASE, Some(&[top.n_visible()]))?.to_f32(BASE)?;
        if base.iter().any(|b| !b.is_finite()) {
            return Err(invalid(BASE, "it holds a number that is not finite".into()));
        }
        let net = Dbn::new(rbms, RbmPath::new(Bernoulli::new(base), top));
        Ok(Self { net: net.map_err(|e| invalid("rbm_1.weights", e.to_string()))? })
    }

    fn top(&self) -> RbmModel {
        RbmModel { path: self.net.top().clone() }
    }
}

/// The bits of rows that this model was given.
fn bits(rows: &Batch) -> &Bits {
    rows.bits().expect("a deep belief net is a model of bits")
}

fn energies(net: &Dbn, rows: &Bits) -> Vec<f64> {
    let key = Key::from_seed(0).purpose(Purpose::Other);
    net.bound(rows, DRAWS, &key).into_iter().map(|b| -b).collect()
}

/// Shows an observer what the chains of the top RBM make of the visible units.
struct Downwards<'a> {
    net: &'a Dbn,
    key: Key,
    observer: &'a mut dyn SampleObserver,
}

impl SampleObserver for Downwards<'_> {
    fn observe(&mut self, step: u64, rows: &Batch, _energies: &[f64]) -> bool {
        let visible = self.net.down(bits(rows), &self.key.step(step));
        let wanted = self.observer.wants_energies(step);
        let energies = if wanted { energies(self.net, &visible) } else { Vec::new() };
        self.observer.observe(step, &Batch::Bits(visible), &energies)
    }
}

impl Model for DbnModel {
    fn kind(&self) -> ModelKind {
        ModelKind::Dbn
    }

    fn n_columns(&self) -> usize {
        self.net.n_visible()
    }

    fn describe(&self) -> String {
        let widths: Vec<String> = self.net.widths().iter().map(usize::to_string).collect();
        format!("deep belief net, layers of {} units", widths.join("-"))
    }

    fn likelihood(&self) -> Likelihood {
        Likelihood::LowerBound
    }

    fn energy(&self, rows: &Batch) -> Vec<f64> {
        energies(&self.net, bits(rows))
    }

    fn pseudo_log_likelihood(&self, _rows: &Batch) -> Option<Vec<f64>> {
        None
    }

    fn log_z(&self, how: &LogZOptions, key: &Key, progress: &dyn Progress) -> Result<LogZ, Error> {
        self.top().log_z(how, key, progress)
    }

    fn exact_work(&self) -> Option<u64> {
        self.top().exact_work()
    }

    fn bracket(
        &self,
        how: &BracketOptions,
        rows: Option<&Batch>,
        key: &Key,
        progress: &dyn Progress,
    ) -> Result<Certificate, Error> {
        let lifted = rows.map(|r| Batch::Bits(self.net.up(bits(r), &key.purpose(Purpose::Hidden))));
        self.top().bracket(how, lifted.as_ref(), key, progress)
    }

    /// Chains of the top RBM; each state is carried down by one draw of every layer.
    fn sample(
        &self,
        n_chains: usize,
        start: Start<'_>,
        beta: f64,
        steps: u64,
        key: &Key,
        observer: &mut dyn SampleObserver,
    ) -> Batch {
        let lifted = match start {
            Start::Base => None,
            Start::Rows(rows) => {
                let rows = bits(rows).select(&(0..n_chains).map(|i| i % rows.n_rows()).collect::<Vec<_>>());
                Some(Batch::Bits(self.net.up(&rows, &key.purpose(Purpose::Hidden))))
            }
        };
        let start = lifted.as_ref().map_or(Start::Base, Start::Rows);
        let mut watch = Downwards { net: &self.net, key: key.purpose(Purpose::Visible), observer };
        let last = self.top().sample(n_chains, start, beta, steps, key, &mut watch);
        Batch::Bits(self.net.down(bits(&last), &key.purpose(Purpose::Generate)))
    }

    fn tensors(&self) -> TensorMap {
        let mut map = TensorMap::default();
        let rbms = self.net.below().iter().chain([&self.net.top().target]);
        for (l, rbm) in rbms.enumerate() {
            rbm.params().save(&format!("rbm_{}.", l + 1), &mut map);
        }
        let base = self.net.top().base.logits();
        map.insert(BASE, Tensor::from_f32(&[base.len()], base));
        map
    }

    fn belief_net(&self) -> Option<&Dbn> {
        Some(&self.net)
    }

    fn filters(&self) -> Vec<Vec<f32>> {
        let first = self.net.below().first().unwrap_or(&self.net.top().target);
        let nh = first.n_hidden();
        (0..nh).map(|j| first.weights().iter().skip(j).step_by(nh).copied().collect()).collect()
    }
}
