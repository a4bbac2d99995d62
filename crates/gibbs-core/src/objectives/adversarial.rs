//! Reverse Kullback-Leibler divergence between a generator and the data, by an adversary.

use super::batch::stack;
use super::error::{ObjectiveError, positive};
use crate::energy::{Gradient, Parametric};
use crate::key::{Key, Purpose};
use crate::objective::{Objective, ObjectiveInfo};
use crate::optimisers::{Adam, Optimiser};
use crate::params::ParamMap;
use crate::path::Target;
use crate::persist::{Persist, StateError, TensorMap};
use crate::rows::{Continuous, Rows};
use crate::scratch::Scratch;

/// A law that is given by its draws: rows made from noise by a map with parameters.
pub trait Generator: Clone + Send + Sync {
    /// A batch of rows.
    type X: Continuous;

    /// The parameters `phi`.
    fn params(&self) -> &ParamMap;

    /// The parameters, to change.
    fn params_mut(&mut self) -> &mut ParamMap;

    /// `n` rows; `key` alone decides the noise.
    fn sample(&self, n: usize, key: &Key) -> Self::X;

    /// `out += sum_i (dx_i/dphi)' c_i` for the rows `x` that `sample(n, key)` gives; `cotangent` holds the `c_i`.
    fn add_sample_grad(&self, key: &Key, cotangent: &Self::X, out: &mut ParamMap, ws: &mut Scratch);
}

/// Trains a generator `q` towards `min_q KL(q || p_data)` and the energy as its critic, through the bound
///
/// ```text
/// KL(q || p_data) >= E_q[E(y)] - log E_data[exp(E(x))]      (equality at E = log q / p_data + constant)
/// ```
///
/// The objective of the energy is `J = log E_data[exp(E)] - E_q[E]`, minus the bound; every `critic_steps`-th call the
/// generator, which lives in the state, takes a step of Adam down `E_q[E]`. So the energy is high where the generator
/// puts more mass than the data. **It is the energy of the data relative to the generator**, `p_data prop q exp(-E)`,
/// not their energy: at the optimum it is flat.
///
/// The reverse divergence is **mode-seeking**: a generator too simple for the data covers one mode and leaves the others
/// out (at a cost of `-log` of the mass it covers), where maximum likelihood spreads over all. Where generator and data
/// do not meet the bound has no upper limit and the critic grows without end: start the generator broad.
/// A batch estimates `log E_data[exp(E)]` from below, so that the bound reads too high by about
/// `Var[exp(E)] / (2 n E[exp(E)]^2)`.
///
/// Units: `-loss` is the bound, in nats; `observe` changes nothing. There is no data phase: `after_data` is not called.
///
/// # Source
/// Donsker & Varadhan 1975, DOI 10.1002/cpa.3160280102; as a trained bound: Belghazi et al. 2018, arXiv:1801.04062,
/// section 2.
#[derive(Clone, Debug)]
pub struct AdversarialReverseKl<G> {
    generator: G,
    rate: f32,
    critic_steps: u64,
}

impl<G> AdversarialReverseKl<G> {
    /// With a generator that starts as given and learns at `rate > 0` once in `critic_steps >= 1` calls.
    pub fn new(generator: G, rate: f64, critic_steps: u64) -> Result<Self, ObjectiveError> {
        if critic_steps == 0 {
            return Err(ObjectiveError::Zero { name: "critic_steps" });
        }
        Ok(Self { generator, rate: positive("rate", rate)? as f32, critic_steps })
    }
}

/// The generator as it stands, with its optimiser.
#[derive(Clone, Debug)]
pub struct Adversary<G> {
    generator: G,
    adam: Adam,
    calls: u64,
}

impl<G> Adversary<G> {
    /// The generator.
    pub fn generator(&self) -> &G {
        &self.generator
    }
}

impl<G: Generator> Persist for Adversary<G> {
    fn save(&self, prefix: &str, to: &mut TensorMap) {
        self.generator.params().save(&format!("{prefix}generator."), to);
        self.adam.save(&format!("{prefix}adam."), to);
        to.insert_u64(format!("{prefix}calls"), self.calls);
    }

    fn load(&mut self, prefix: &str, from: &TensorMap) -> Result<(), StateError> {
        self.generator.params_mut().load(&format!("{prefix}generator."), from)?;
        self.adam.load(&format!("{prefix}adam."), from)?;
        self.calls = from.expect_u64(&format!("{prefix}calls"))?;
        Ok(())
    }
}

impl<E, G> Objective<Target<E>> for AdversarialReverseKl<G>
where
    E: Parametric + Gradient<X: Persist>,
    G: Generator<X = E::X>,
{
    type State = Adversary<G>;

    fn init(&self, _path: &Target<E>, _data: &E::X, _key: &Key, _ws: &mut Scratch) -> Adversary<G> {
        let generator = self.generator.clone();
        Adversary { adam: Adam::new(generator.params()), generator, calls: 0 }
    }

    fn gradient(
        &self,
        path: &Target<E>,
        data: &E::X,
        weights: &[f64],
        state: &mut Adversary<G>,
        out: &mut ParamMap,
        _after_data: &mut dyn FnMut(&ParamMap),
        _observe: bool,
        key: &Key,
        ws: &mut Scratch,
    ) -> ObjectiveInfo {
        out.clear();
        let (energy, n, key) = (&path.0, data.n_rows(), key.purpose(Purpose::Generate));
        let made = state.generator.sample(n, &key);
        let (mut e, mut w) = (ws.take_f64(2 * n), ws.take_f64(2 * n));
        let mut slope = made.clone();
        energy.energy(data, &mut e[..n], ws);
        energy.energy_grad(&made, &mut e[n..], &mut slope, ws);

        // dJ/dE is the tilted weight w_i exp(E_i) / sum of a data row, -1/n of a made one.
        let peak = e[..n].iter().fold(f64::NEG_INFINITY, |m, &e| m.max(e));
        let mass: f64 = e[..n].iter().zip(weights).map(|(e, w)| w * (e - peak).exp()).sum();
        for i in 0..n {
            w[i] = weights[i] * (e[i] - peak).exp() / mass;
            w[n + i] = -1.0 / n as f64;
        }
        energy.add_grad(&stack(&[data, &made]), &w, out, ws);

        let data_energy = e[..n].iter().zip(weights).map(|(e, w)| e * w).sum();
        let model_energy = e[n..].iter().sum::<f64>() / n as f64;
        ws.give_f64(e);
        ws.give_f64(w);
        state.calls += 1;
        if state.calls.is_multiple_of(self.critic_steps) {
            slope.scale_rows(&vec![1.0 / n as f64; n]);
            let mut step = state.generator.params().zeros_like();
            state.generator.add_sample_grad(&key, &slope, &mut step, ws);
            state.adam.step(state.generator.params_mut(), &step, self.rate);
        }
        ObjectiveInfo {
            data_energy: Some(data_energy),
            model_energy: Some(model_energy),
            loss: Some(peak + mass.ln() - model_energy),
            ..Default::default()
        }
    }
}
