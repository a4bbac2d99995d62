//! Training of a network as an energy of real rows.

use std::sync::Arc;

use gibbs_core::dense::Dense;
use gibbs_core::energy::{Distribution, Parametric};
use gibbs_core::key::{Key, Purpose};
use gibbs_core::objective::{Objective, ObjectiveInfo};
use gibbs_core::objectives::{
    ConditionalNce, Denoising, EnergyMagnitude, FiniteDifferenceSliced, GradientPenalty, InputNoise, MaximumLikelihood,
    Negatives, NoiseContrastive, ObjectiveError, Place, Regularised, Regulariser, ScoreMatching, Sliced, SlicedForm,
    Trace,
};
use gibbs_core::optimisers::{Average, Clip, Optimiser};
use gibbs_core::params::ParamMap;
use gibbs_core::path::Target;
use gibbs_core::persist::{Persist, StateError, TensorMap};
use gibbs_core::rows::{Continuous, Rows};
use gibbs_core::samplers::{Hmc, Langevin, Mala, Noise};
use gibbs_core::scratch::Scratch;
use gibbs_tensor::energies::{Gaussian, KernelDensity, UniformBox};
use gibbs_tensor::trace::TapeEnergy;

use super::batches::Batches;
use super::best::Best;
use super::{Trainer, Update};
use crate::config::{FitConfig, NeuralConfig, NoiseKind, ObjectiveKind, SamplerKind};
use crate::dataset::Prepared;
use crate::error::Error;
use crate::models::{MALA_SPREAD, Model, NeuralModel, NeuralSettings, fitted_base};

type Energy = TapeEnergy<f32>;
type X = Dense<f32>;

/// Rows of training data that fits of noise and base look at.
const FITTED_ROWS: usize = 20_000;
/// Centres of the coarse kernel density estimate.
const CENTRES: usize = 512;
/// Its bandwidth over that of the rule of thumb: coarse noise overlaps with everything between the data.
const BANDWIDTH: f64 = 1.0;
/// Acceptance rates that adaptation aims at (Roberts & Rosenthal 2001, DOI 10.1214/ss/1015346320).
const MALA_ACCEPTANCE: f64 = 0.6;
const HMC_ACCEPTANCE: f64 = 0.8;
/// Leapfrog steps of an HMC trajectory, at most.
const LEAPFROG_STEPS: u64 = 10;
/// Root mean squares of columns that a network takes as they are.
const COLUMN_SCALE: std::ops::RangeInclusive<f64> = 0.05..=20.0;
/// With more columns than these, as for pictures, small ones are left alone.
const FEW_COLUMNS: usize = 32;
/// Chains farther out or closer in than this factor on the scale of the data have left them.
const SCALE: f64 = 2.0;

/// An objective with its state, whatever they are.
trait Learner {
    #[expect(clippy::too_many_arguments, reason = "those of an objective without its state")]
    fn gradient(
        &mut self,
        target: &Target<Energy>,
        data: &X,
        weights: &[f64],
        out: &mut ParamMap,
        observe: bool,
        key: &Key,
        ws: &mut Scratch,
    ) -> ObjectiveInfo;
    fn save(&self, map: &mut TensorMap);
    fn load(&mut self, map: &TensorMap) -> Result<(), StateError>;
}

struct Held<O: Objective<Target<Energy>>> {
    objective: O,
    state: O::State,
}

impl<O: Objective<Target<Energy>>> Learner for Held<O> {
    fn gradient(
        &mut self,
        target: &Target<Energy>,
        data: &X,
        weights: &[f64],
        out: &mut ParamMap,
        observe: bool,
        key: &Key,
        ws: &mut Scratch,
    ) -> ObjectiveInfo {
        self.objective.gradient(target, data, weights, &mut self.state, out, &mut |_| {}, observe, key, ws)
    }

    fn save(&self, map: &mut TensorMap) {
        self.state.save("objective.", map);
    }

    fn load(&mut self, map: &TensorMap) -> Result<(), StateError> {
        self.state.load("objective.", map)
    }
}

/// A warning, if a column is far from the scale on which networks, steps and confinement are of order one.
fn unscaled(rows: &X) -> Option<String> {
    let mut squares = vec![0.0; rows.n_cols()];
    for row in rows.values().chunks_exact(rows.n_cols().max(1)) {
        squares.iter_mut().zip(row).for_each(|(s, v)| *s += f64::from(*v).powi(2));
    }
    let scales = squares.iter().map(|s| (s / rows.n_rows().max(1) as f64).sqrt());
    // Pixels that are always 0 are no harm.
    let (column, scale) = scales.enumerate().find(|(_, s)| *s > 0.0 && !COLUMN_SCALE.contains(s))?;
    (rows.n_cols() <= FEW_COLUMNS || scale > 1.0).then(|| {
        format!(
            "the columns are not on one scale: the root mean square of column {} is {scale:.3e}, and networks expect \
             about 1; scale the data (--scale standard)",
            column + 1
        )
    })
}

pub(super) struct NeuralTrainer<'a> {
    config: &'a FitConfig,
    rows: &'a X,
    key: Key,
    target: Target<Energy>,
    settings: NeuralSettings,
    base: Arc<Gaussian<f32>>,
    grad: ParamMap,
    learner: Box<dyn Learner>,
    optimiser: Box<dyn Optimiser>,
    clip: Option<Clip>,
    average: Option<Average>,
    best: Best,
    step: u64,
    batches: Batches,
    last: Update,
    last_info: ObjectiveInfo,
    /// What is said of columns that are not on one scale.
    unscaled: Option<String>,
    ws: Scratch,
}

impl<'a> NeuralTrainer<'a> {
    pub(super) fn new(config: &'a FitConfig, net: &'a NeuralConfig, data: &'a Prepared) -> Result<Self, Error> {
        let key = Key::from_seed(config.seed);
        let rows = data.train.rows.real().expect("a network is fitted to real rows");
        let network = net.network(config.kind(), data.shape);
        let energy = network.energy::<f32>(rows.n_cols(), &key).map_err(|e| Error::Usage(e.to_string()))?;
        let base = Arc::new(fitted_base(&first_rows(rows)).map_err(Error::Usage)?);
        let settings = NeuralSettings { network, step_size: net.step_size };
        let target = Target(energy);
        let mut ws = Scratch::default();
        let learner = learner(config, net, rows, &base, &target, &key, &mut ws).map_err(|e| Error::Usage(e.clone()))?;
        let params = target.0.params();
        let average = config.learning.average;
        Ok(Self {
            grad: params.zeros_like(),
            average: (average > 0.0).then(|| Average::new(average as f32, params)),
            best: Best::new(params),
            optimiser: super::optimiser(config, net.weight_decay, params),
            clip: (net.clip > 0.0).then_some(Clip { norm: net.clip }),
            batches: Batches::new(rows.n_rows(), config.learning.batch_size, data.train.weights.clone()),
            config,
            rows,
            key,
            target,
            settings,
            base,
            learner,
            step: 0,
            last: Update::default(),
            last_info: ObjectiveInfo::default(),
            unscaled: unscaled(rows),
            ws,
        })
    }

    fn candidate_params(&self) -> &ParamMap {
        self.average.as_ref().map_or(self.target.0.params(), Average::params)
    }

    fn with_params(&self, params: &ParamMap) -> Box<dyn Model> {
        Box::new(NeuralModel::new(
            self.config.kind(),
            self.target.0.with_params(params),
            (*self.base).clone(),
            self.settings.clone(),
        ))
    }

    fn check_finite(&self, info: ObjectiveInfo) -> Result<(), Error> {
        if let Some((name, index)) = self.grad.first_non_finite() {
            return Err(self.diverged(format!("the gradient of {name}[{index}]")));
        }
        let values = [
            ("the loss", info.loss),
            ("the batch's energy", info.data_energy),
            ("the chains' energy", info.model_energy),
        ];
        match values.into_iter().find(|(_, v)| v.is_some_and(|v| !v.is_finite())) {
            Some((name, _)) => Err(self.diverged(name.to_string())),
            None => Ok(()),
        }
    }
}

fn first_rows(rows: &X) -> X {
    rows.slice(0, rows.n_rows().min(FITTED_ROWS))
}

fn learner(
    config: &FitConfig,
    net: &NeuralConfig,
    rows: &X,
    base: &Arc<Gaussian<f32>>,
    target: &Target<Energy>,
    key: &Key,
    ws: &mut Scratch,
) -> Result<Box<dyn Learner>, String> {
    let mut make = Make { net, rows, target, key, ws };
    let words = |e: ObjectiveError| e.to_string();
    match config.learning.objective {
        ObjectiveKind::Exact => Err("a network has no exact gradient".into()),
        ObjectiveKind::PseudoLikelihood => Err("a network has no two-valued sites".into()),
        ObjectiveKind::Pcd => {
            let fresh: Arc<dyn Distribution<X = X>> = base.clone();
            let n_chains = config.learning.n_chains;
            make.likelihood(Negatives::Persistent { n_chains, reinitialise: net.reinitialise, fresh })
        }
        ObjectiveKind::Cd => make.likelihood(Negatives::Data),
        ObjectiveKind::ShortRun => make.likelihood(Negatives::Noise(base.clone())),
        ObjectiveKind::Nce => make.noise_contrastive(base),
        ObjectiveKind::ConditionalNce => make.held(ConditionalNce::new(net.noise_sd, net.noise_ratio).map_err(words)?),
        ObjectiveKind::Sm => make.held(ScoreMatching::new(Trace::Exact).map_err(words)?),
        ObjectiveKind::Ssm => make.held(Sliced::new(SlicedForm::VarianceReduced, net.probes).map_err(words)?),
        ObjectiveKind::FdSsm => make.held(FiniteDifferenceSliced::new(net.noise_sd, net.probes).map_err(words)?),
        ObjectiveKind::Dsm => {
            let denoising = if net.noise_levels > 1 {
                Denoising::levels(net.noise_sd, net.noise_sd_max, net.noise_levels)
            } else {
                Denoising::new(net.noise_sd)
            };
            make.held(denoising.map_err(words)?)
        }
    }
}

/// What objectives are made from.
struct Make<'a> {
    net: &'a NeuralConfig,
    rows: &'a X,
    target: &'a Target<Energy>,
    key: &'a Key,
    ws: &'a mut Scratch,
}

impl Make<'_> {
    /// With the penalties and the input noise that were asked for.
    fn held<O>(&mut self, objective: O) -> Result<Box<dyn Learner>, String>
    where
        O: Objective<Target<Energy>> + 'static,
    {
        let words = |e: ObjectiveError| e.to_string();
        let mut terms: Vec<Box<dyn Regulariser<Energy>>> = Vec::new();
        if self.net.gradient_penalty > 0.0 {
            terms.push(Box::new(GradientPenalty::new(self.net.gradient_penalty, Place::Data).map_err(words)?));
        }
        if self.net.energy_penalty > 0.0 {
            terms.push(Box::new(EnergyMagnitude::new(self.net.energy_penalty, Place::Data).map_err(words)?));
        }
        let regularised = Regularised { objective, terms };
        let init = self.key.purpose(Purpose::Init);
        let state = regularised.init(self.target, self.rows, &init, self.ws);
        Ok(if self.net.input_noise > 0.0 {
            let objective = InputNoise::new(regularised, self.net.input_noise).map_err(words)?;
            Box::new(Held { objective, state })
        } else {
            Box::new(Held { objective: regularised, state })
        })
    }

    fn likelihood(&mut self, negatives: Negatives<X>) -> Result<Box<dyn Learner>, String> {
        let (steps, step_size) = (self.net.mcmc_steps, self.net.step_size);
        let words = |e: gibbs_core::samplers::SamplerError| e.to_string();
        let objective = |e: ObjectiveError| e.to_string();
        match self.net.sampler {
            SamplerKind::Mala => {
                let kernel = Mala::new(step_size).and_then(|k| k.with_spread(MALA_SPREAD)).map_err(words)?;
                let ml = MaximumLikelihood::new(kernel, steps, negatives, Some(MALA_ACCEPTANCE)).map_err(objective)?;
                self.held(ml)
            }
            SamplerKind::Hmc => {
                // The step of a leapfrog is the square root of that of Langevin: `x + eps p` against `x - eps^2/2 grad`.
                let kernel = Hmc::new((2.0 * step_size).sqrt(), LEAPFROG_STEPS).map_err(words)?;
                let ml = MaximumLikelihood::new(kernel, steps, negatives, Some(HMC_ACCEPTANCE)).map_err(objective)?;
                self.held(ml)
            }
            SamplerKind::Langevin => {
                let noise = match self.net.langevin_noise {
                    0.0 => Noise::Matched,
                    sd => Noise::Decoupled(sd),
                };
                let kernel = Langevin::new(step_size).and_then(|k| k.with_noise(noise)).map_err(words)?;
                let ml = MaximumLikelihood::new(kernel, steps, negatives, None).map_err(objective)?;
                self.held(ml)
            }
        }
    }

    fn noise_contrastive(&mut self, base: &Arc<Gaussian<f32>>) -> Result<Box<dyn Learner>, String> {
        let ratio = self.net.noise_ratio;
        let words = |e: ObjectiveError| e.to_string();
        match self.net.noise {
            NoiseKind::Gaussian => self.held(NoiseContrastive::new((**base).clone(), ratio).map_err(words)?),
            NoiseKind::Uniform => {
                let noise = UniformBox::around(&first_rows(self.rows), 0.25).map_err(|e| e.to_string())?;
                self.held(NoiseContrastive::new(noise, ratio).map_err(words)?)
            }
            NoiseKind::Kde => {
                let key = self.key.purpose(Purpose::Other);
                let noise =
                    KernelDensity::fit(&first_rows(self.rows), CENTRES, BANDWIDTH, &key).map_err(|e| e.to_string())?;
                self.held(NoiseContrastive::new(noise, ratio).map_err(words)?)
            }
        }
    }
}

impl Trainer for NeuralTrainer<'_> {
    fn step(&self) -> u64 {
        self.step
    }

    fn best_step(&self) -> u64 {
        self.best.step
    }

    fn steps_per_epoch(&self) -> u64 {
        self.batches.per_epoch()
    }

    fn last_update(&self) -> Update {
        self.last
    }

    fn update(&mut self, observe: bool) -> Result<(), Error> {
        let key = self.key.step(self.step);
        let (index, weights) = self.batches.at(self.step, &self.key);
        let data = self.rows.select(&index);
        self.grad.clear();
        let info = self.learner.gradient(&self.target, &data, &weights, &mut self.grad, observe, &key, &mut self.ws);
        let norm = match self.clip {
            Some(clip) => clip.apply(&mut self.grad),
            None if observe => self.grad.norm(),
            None => 0.0,
        };
        let l = &self.config.learning;
        let rate = l.learning_rate * l.schedule.factor(self.step, l.updates, l.warm_up);
        self.optimiser.step(self.target.0.params_mut(), &self.grad, rate as f32);
        if let Some(average) = &mut self.average {
            average.update(self.target.0.params());
        }
        self.step += 1;
        self.last.learning_rate = rate;
        if observe {
            self.last_info = info;
            self.last = Update {
                learning_rate: rate,
                gradient_norm: norm,
                loss: info.loss,
                energy_gap: info.data_energy.zip(info.model_energy).map(|(d, m)| d - m),
                accuracy: info.accuracy,
                acceptance: info.acceptance,
                distance: info.distance,
                buffer_age: info.buffer_age,
                chain_scale: info.chain_scale,
            };
        }
        self.check_finite(info)
    }

    fn candidate(&self) -> Box<dyn Model> {
        self.with_params(self.candidate_params())
    }

    fn best(&self) -> Box<dyn Model> {
        self.with_params(&self.best.params)
    }

    fn judge(&mut self, log_likelihood: Option<f64>) -> bool {
        let params = self.average.as_ref().map_or(self.target.0.params(), Average::params);
        self.best.judge(params, self.step, log_likelihood)
    }

    fn stopped_early(&self) -> bool {
        self.best.exhausted(self.config.learning.patience)
    }

    fn save(&self) -> TensorMap {
        let mut map = TensorMap::default();
        self.target.0.params().save("params.", &mut map);
        self.best.save(&mut map);
        self.learner.save(&mut map);
        self.optimiser.save("optimiser.", &mut map);
        if let Some(average) = &self.average {
            average.save("average.", &mut map);
        }
        map.insert_u64("step", self.step);
        map
    }

    fn load(&mut self, map: &TensorMap) -> Result<(), StateError> {
        self.target.0.params_mut().load("params.", map)?;
        self.best.load(map)?;
        self.learner.load(map)?;
        self.optimiser.load("optimiser.", map)?;
        if let Some(average) = &mut self.average {
            average.load("average.", map)?;
        }
        self.step = map.expect_u64("step")?;
        Ok(())
    }

    fn warnings(&self) -> Vec<String> {
        let mut out: Vec<String> = self.unscaled.iter().cloned().collect();
        if self.last_info.noise_misses_data() {
            out.push(
                "noise and data are told apart without error, so nothing more is learnt: scale the data (--scale \
                 standard) or take noise that is closer to them (--noise kde, a smaller --noise-sd)"
                    .to_string(),
            );
        }
        if let Some(scale) = self.last.chain_scale.filter(|s| !(1.0 / SCALE..=SCALE).contains(s)) {
            out.push(format!(
                "the chains left the scale of the data: their root mean square is {scale:.2} times that of the rows; \
                 lower --learning-rate, take more --mcmc-steps or a smaller --step-size"
            ));
        }
        if self.last.acceptance.is_some_and(|a| a < 0.05) || self.last.distance.is_some_and(|d| d < 1e-4) {
            out.push("the chains hardly move: lower --step-size".to_string());
        }
        out
    }
}
