//! Training of a deep Boltzmann machine: greedily layer by layer if asked, then all layers together.

use std::path::Path;

use gibbs_core::energy::Parametric;
use gibbs_core::key::{Key, Purpose};
use gibbs_core::objective::{Objective, ObjectiveInfo};
use gibbs_core::optimisers::{Average, Decay, Optimiser};
use gibbs_core::params::ParamMap;
use gibbs_core::path::Learnable;
use gibbs_core::persist::{Persist, StateError, Tensor, TensorMap};
use gibbs_core::rows::Rows;
use gibbs_core::scratch::Scratch;
use gibbs_data::Split;
use gibbs_spin::dbm::{Copies, DbmError, MeanField, MeanFieldLikelihood};
use gibbs_spin::rbm::{Centring, VISIBLE_BIAS, WEIGHTS};
use gibbs_spin::{Bernoulli, Bits, Dbm, Rbm};

use super::batches::Batches;
use super::best::Best;
use super::greedy::Greedy;
use super::{CENTRING_RATE, Trainer, Update};
use crate::config::{DeepConfig, FitConfig, ModelKind};
use crate::dataset::Prepared;
use crate::error::Error;
use crate::models::{DbmModel, Model, RbmModel, Saved};
use crate::run_dir::RunDir;

/// Change of a mean at which mean field of an update stops.
const TOLERANCE: f64 = 1e-3;
/// Means of a base stay this far from 0 and 1.
const MARGIN: f32 = 0.01;

pub(super) struct DbmTrainer<'a> {
    config: &'a FitConfig,
    deep: &'a DeepConfig,
    rows: &'a Bits,
    key: Key,
    /// While layers are trained one by one.
    greedy: Option<Greedy<'a>>,
    model: Dbm,
    grad: ParamMap,
    objective: MeanFieldLikelihood,
    chains: <MeanFieldLikelihood as Objective<gibbs_spin::RbmPath>>::State,
    optimiser: Box<dyn Optimiser>,
    /// Its offsets are the base of annealing and the start of mean field, whether the gradient is centred or not.
    centring: Centring,
    average: Option<Average>,
    best: Best,
    best_offsets: Vec<f32>,
    step: u64,
    batches: Batches,
    last: Update,
    ws: Scratch,
}

impl<'a> DbmTrainer<'a> {
    pub(super) fn new(config: &'a FitConfig, deep: &'a DeepConfig, data: &'a Prepared) -> Result<Self, Error> {
        let key = Key::from_seed(config.seed);
        let rows = data.train.rows.bits().expect("a deep Boltzmann machine is fitted to bits");
        let usage = |e: DbmError| Error::Usage(e.to_string());
        let widths = std::iter::once(rows.n_cols()).chain(deep.layers.iter().copied()).collect();
        let mut model = Dbm::random(widths, deep.init_sd as f32, &key).map_err(usage)?;
        let means: Vec<f32> = rows.column_means(data.train.weights.as_deref()).iter().map(|&m| m as f32).collect();
        let nv = rows.n_cols();
        let base = Bernoulli::from_data(rows, data.train.weights.as_deref());
        model.path_mut().params_mut().get_mut(VISIBLE_BIAS)[..nv].copy_from_slice(base.logits());
        let layers = model.layers().clone();
        let mut logits = base.logits().to_vec();
        logits.resize(layers.n_even(), 0.0);
        let model = model.with_base(Bernoulli::new(logits));
        let mut mu = means;
        mu.resize(layers.n_even(), 0.5);
        let centring = Centring::new(mu.clone(), layers.n_odd(), CENTRING_RATE).following_from(nv);
        let objective = MeanFieldLikelihood {
            layers,
            mean_field: MeanField::new(deep.mean_field_steps.unwrap_or(1), TOLERANCE, 0.0).map_err(usage)?,
            n_steps: deep.gibbs_steps,
            n_chains: config.learning.n_chains,
        };
        let mut ws = Scratch::default();
        let chains = objective.init(model.path(), rows, &key.purpose(Purpose::Init), &mut ws);
        let n = deep.layers.len();
        let greedy = (deep.pretraining() > 0).then(|| {
            let copies = (0..n).map(|stage| Copies::of_stage(stage, n)).collect();
            Greedy::new(config, deep, copies, rows, Key::from_seed(config.seed), &mut ws)
        });
        let params = model.joint().params();
        let average = config.learning.average;
        Ok(Self {
            grad: params.zeros_like(),
            average: (average > 0.0).then(|| Average::new(average as f32, params)),
            best: Best::new(params),
            best_offsets: mu,
            optimiser: super::optimiser(config, 0.0, params),
            batches: Batches::new(rows.n_rows(), config.learning.batch_size, data.train.weights.clone()),
            config,
            deep,
            rows,
            key,
            greedy,
            model,
            objective,
            chains,
            centring,
            step: 0,
            last: Update::default(),
            ws,
        })
    }

    /// Updates of a layer alone.
    fn of_layer(&self) -> u64 {
        self.deep.pretrain_updates.unwrap_or(0).max(1)
    }

    /// An update of one layer alone.
    fn pretrain(&mut self, rows: &Bits, weights: &[f64], rate: f64, observe: bool, key: &Key) -> Result<(), Error> {
        let Some(greedy) = &mut self.greedy else { return Ok(()) };
        let (info, norm, wrong) = greedy.update(rows, weights, rate, observe, key, &mut self.ws);
        self.step += 1;
        if observe {
            self.note(info, norm);
        }
        if let Some(what) = wrong {
            return Err(self.diverged(what));
        }
        let ended = self.step.is_multiple_of(self.of_layer());
        if ended
            && let Some(greedy) = &mut self.greedy
            && !greedy.next_stage(&mut self.ws)
        {
            let model = self.assembled();
            self.greedy = None;
            self.begin_at(model);
        }
        Ok(())
    }

    /// All layers together from `model` on, with fresh chains.
    fn begin_at(&mut self, model: Dbm) {
        self.model = model;
        let params = self.model.joint().params();
        self.average = self.average.is_some().then(|| Average::new(self.config.learning.average as f32, params));
        self.best = Best::new(params);
        let key = self.key.purpose(Purpose::Init).step(1);
        self.chains = self.objective.init(self.model.path(), self.rows, &key, &mut self.ws);
    }

    /// The machine that the stages make so far, layers above them free.
    fn assembled(&self) -> Dbm {
        let mut stack = self.greedy.as_ref().map_or(Vec::new(), Greedy::stack);
        for widths in self.deep.layers.windows(2).skip(stack.len().saturating_sub(1)) {
            stack.push(Rbm::zeros(widths[0], widths[1]));
        }
        let base = self.model.path().base.clone();
        // Stages are made of this machine's layers.
        Dbm::from_stack(&stack).expect("stages of the machine's own layers").with_base(base)
    }

    fn note(&mut self, info: ObjectiveInfo, norm: f64) {
        self.last.gradient_norm = norm;
        self.last.energy_gap = info.data_energy.zip(info.model_energy).map(|(d, m)| d - m);
    }

    fn with_params(&self, params: &ParamMap, offsets: &[f32]) -> Box<dyn Model> {
        let mut model = self.model.clone();
        model.path_mut().params_mut().flat_mut().copy_from_slice(params.flat());
        let base = base(&model, offsets);
        Box::new(DbmModel { machine: model.with_base(base) })
    }

    fn candidate_params(&self) -> &ParamMap {
        self.average.as_ref().map_or(self.model.joint().params(), Average::params)
    }

    fn check_finite(&self) -> Result<(), Error> {
        let found = self.grad.first_non_finite().map(|w| ("the gradient of", w));
        match found.or_else(|| self.model.joint().params().first_non_finite().map(|w| ("parameter", w))) {
            Some((what, (name, index))) => Err(self.diverged(format!("{what} {name}[{index}]"))),
            None => Ok(()),
        }
    }
}

/// The data's base for the visible units, and the running means of the posterior for the other even layers.
fn base(model: &Dbm, offsets: &[f32]) -> Bernoulli {
    let nv = model.layers().n_visible();
    let logit = |m: &f32| {
        let m = m.clamp(MARGIN, 1.0 - MARGIN);
        (m / (1.0 - m)).ln()
    };
    Bernoulli::new(model.path().base.logits()[..nv].iter().copied().chain(offsets[nv..].iter().map(logit)).collect())
}

/// The RBM of a run that is to be the first layer: of `hidden` units, on rows prepared and divided as `data` is.
fn first_layer(run: &Path, hidden: usize, data: &Prepared) -> Result<Rbm, Error> {
    let run = RunDir::open(run)?;
    let file = run.file("model.safetensors");
    let (map, header) = (crate::tensors::read(&file)?.0, Saved::read(&file)?.header);
    let refuse = |what: String| Err(Error::run(run.path(), format!("cannot be --first-layer: {what}")));
    if header.kind != ModelKind::Rbm || header.units.is_some() {
        return refuse("it is not an RBM of bits (gibbs fit DATA --model rbm)".into());
    }
    if run.manifest()?.data_sha256 != data.data_sha256 || header.preprocess != data.preparation {
        return refuse("it was fitted to other bits than these".into());
    }
    if run.read_json::<Split>("split.json")?.as_ref() != Some(&data.split) {
        return refuse(
            "its table was divided in another way, so that rows it has seen would judge this machine; give both runs the \
             same data, --seed and fractions"
                .into(),
        );
    }
    let rbm = RbmModel::from_tensors(&map).map_err(|e| Error::run(&file, e.to_string()))?.path.target;
    if rbm.n_hidden() != hidden {
        return refuse(format!("it has {} hidden units, the first of --layers {hidden}", rbm.n_hidden()));
    }
    Ok(rbm)
}

impl Trainer for DbmTrainer<'_> {
    fn start(&mut self, data: &Prepared) -> Result<(), Error> {
        let Some(run) = &self.deep.first_layer else { return Ok(()) };
        let layers = &self.deep.layers;
        let rbm = first_layer(run, layers[0], data)?;
        // The widths were layers before, and their sizes fit.
        let machine = Dbm::on(&rbm, &layers[1..], self.deep.init_sd as f32, &self.key.purpose(Purpose::Init))
            .map_err(|e| Error::Usage(e.to_string()))?;
        let base = self.model.path().base.clone();
        self.begin_at(machine.with_base(base));
        Ok(())
    }

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
        let rows = self.rows.select(&index);
        let (l, before) = (&self.config.learning, self.deep.pretraining());
        if self.greedy.is_some() {
            self.last.learning_rate = l.learning_rate;
            return self.pretrain(&rows, &weights, l.learning_rate, observe, &key);
        }
        let centring = &mut self.centring;
        let mut after = |phase: &ParamMap| centring.observe(phase);
        let (path, chains, grad) = (self.model.path(), &mut self.chains, &mut self.grad);
        let info =
            self.objective.gradient(path, &rows, &weights, chains, grad, &mut after, observe, &key, &mut self.ws);
        Decay { l2: self.deep.l2 as f32, l1: self.deep.l1 as f32, on: WEIGHTS }.add_grad(path.params(), grad);
        if self.deep.centred {
            let layers = self.model.layers();
            self.centring.apply_within(layers.n_odd(), |i| layers.reach(i), grad);
        }
        let rate = l.learning_rate * l.schedule.factor(self.step - before, l.updates - before, l.warm_up);
        self.last.learning_rate = rate;
        self.optimiser.step(self.model.path_mut().params_mut(), &self.grad, rate as f32);
        if let Some(average) = &mut self.average {
            average.update(self.model.joint().params());
        }
        // Mean field of the next update starts at the posterior's running means.
        self.model.path_mut().base = base(&self.model, self.centring.visible_offsets());
        self.step += 1;
        if observe {
            self.note(info, self.grad.norm());
        }
        self.check_finite()
    }

    fn candidate(&self) -> Box<dyn Model> {
        match self.greedy {
            Some(_) => Box::new(DbmModel { machine: self.assembled() }),
            None => self.with_params(self.candidate_params(), self.centring.visible_offsets()),
        }
    }

    fn best(&self) -> Box<dyn Model> {
        self.with_params(&self.best.params, &self.best_offsets)
    }

    fn judge(&mut self, log_likelihood: Option<f64>) -> bool {
        if self.greedy.is_some() {
            let params = self.assembled().joint().params().clone();
            return self.best.judge(&params, self.step, log_likelihood);
        }
        let params = self.average.as_ref().map_or(self.model.joint().params(), Average::params);
        let kept = self.best.judge(params, self.step, log_likelihood);
        if kept {
            self.best_offsets.copy_from_slice(self.centring.visible_offsets());
        }
        kept
    }

    fn stopped_early(&self) -> bool {
        self.greedy.is_none() && self.best.exhausted(self.config.learning.patience)
    }

    fn save(&self) -> TensorMap {
        let mut map = TensorMap::default();
        map.insert_u64("step", self.step);
        self.best.save(&mut map);
        map.insert("best_offsets", Tensor::from_f32(&[self.best_offsets.len()], &self.best_offsets));
        if let Some(greedy) = &self.greedy {
            greedy.save(&mut map);
            return map;
        }
        self.model.joint().params().save("params.", &mut map);
        self.chains.save("chains.", &mut map);
        self.optimiser.save("optimiser.", &mut map);
        self.centring.save("centring.", &mut map);
        if let Some(a) = &self.average {
            a.save("average.", &mut map);
        }
        map
    }

    fn load(&mut self, map: &TensorMap) -> Result<(), StateError> {
        self.step = map.expect_u64("step")?;
        self.best.load(map)?;
        let wanted = self.best_offsets.len();
        self.best_offsets = map.expect("best_offsets", Some(&[wanted]))?.to_f32("best_offsets")?;
        let stage = (self.step / self.of_layer()) as usize;
        if self.step < self.deep.pretraining()
            && let Some(greedy) = &mut self.greedy
        {
            return greedy.load(stage, map, &mut self.ws);
        }
        self.greedy = None;
        self.model.path_mut().params_mut().load("params.", map)?;
        self.chains.load("chains.", map)?;
        self.optimiser.load("optimiser.", map)?;
        self.centring.load("centring.", map)?;
        if let Some(a) = &mut self.average {
            a.load("average.", map)?;
        }
        self.model.path_mut().base = base(&self.model, self.centring.visible_offsets());
        Ok(())
    }
}
