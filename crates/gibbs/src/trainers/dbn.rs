//! Training of a deep belief net: a stack of RBMs, one after another.

use gibbs_core::key::Key;
use gibbs_core::persist::{StateError, TensorMap};
use gibbs_core::rows::Rows;
use gibbs_core::scratch::Scratch;
use gibbs_spin::dbm::Copies;
use gibbs_spin::{Bits, Dbn, RbmPath};

use super::batches::Batches;
use super::greedy::Greedy;
use super::{Trainer, Update};
use crate::config::{DeepConfig, FitConfig};
use crate::dataset::Prepared;
use crate::error::Error;
use crate::models::{DbnModel, Model};

/// The layers are trained for equal numbers of updates. Nets of different depth are not compared: the last is kept.
pub(super) struct DbnTrainer<'a> {
    config: &'a FitConfig,
    deep: &'a DeepConfig,
    rows: &'a Bits,
    key: Key,
    greedy: Greedy<'a>,
    step: u64,
    batches: Batches,
    last: Update,
    ws: Scratch,
}

impl<'a> DbnTrainer<'a> {
    pub(super) fn new(config: &'a FitConfig, deep: &'a DeepConfig, data: &'a Prepared) -> Self {
        let rows = data.train.rows.bits().expect("a deep belief net is fitted to bits");
        let mut ws = Scratch::default();
        let copies = vec![Copies::ONE; deep.layers.len()];
        Self {
            greedy: Greedy::new(config, deep, copies, rows, Key::from_seed(config.seed), &mut ws),
            batches: Batches::new(rows.n_rows(), config.learning.batch_size, data.train.weights.clone()),
            key: Key::from_seed(config.seed),
            config,
            deep,
            rows,
            step: 0,
            last: Update::default(),
            ws,
        }
    }

    /// Updates of a layer; those left over are the last one's.
    fn of_layer(&self) -> u64 {
        (self.config.learning.updates / self.deep.layers.len() as u64).max(1)
    }

    fn layer_at(&self, step: u64) -> usize {
        ((step / self.of_layer()) as usize).min(self.deep.layers.len() - 1)
    }
}

impl Trainer for DbnTrainer<'_> {
    fn step(&self) -> u64 {
        self.step
    }

    fn best_step(&self) -> u64 {
        self.step
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
        let (l, layer) = (&self.config.learning, self.layer_at(self.step));
        let begun = layer as u64 * self.of_layer();
        let rate = l.learning_rate * l.schedule.factor(self.step - begun, self.of_layer(), l.warm_up);
        self.last.learning_rate = rate;
        let (info, norm, wrong) = self.greedy.update(&rows, &weights, rate, observe, &key, &mut self.ws);
        self.step += 1;
        if observe {
            self.last.gradient_norm = norm;
            self.last.energy_gap = info.data_energy.zip(info.model_energy).map(|(d, m)| d - m);
        }
        if let Some(what) = wrong {
            return Err(self.diverged(what));
        }
        if self.step < l.updates && self.layer_at(self.step) > layer {
            self.greedy.next_stage(&mut self.ws);
        }
        Ok(())
    }

    /// The net of the layers so far.
    fn candidate(&self) -> Box<dyn Model> {
        let mut stack = self.greedy.stack();
        let top = stack.pop().expect("one layer is in training");
        let net = Dbn::new(stack, RbmPath::new(self.greedy.base().clone(), top));
        Box::new(DbnModel { net: net.expect("stages of the net's own layers") })
    }

    fn best(&self) -> Box<dyn Model> {
        self.candidate()
    }

    fn judge(&mut self, _log_likelihood: Option<f64>) -> bool {
        true
    }

    fn stopped_early(&self) -> bool {
        false
    }

    fn save(&self) -> TensorMap {
        let mut map = TensorMap::default();
        map.insert_u64("step", self.step);
        self.greedy.save(&mut map);
        map
    }

    fn load(&mut self, map: &TensorMap) -> Result<(), StateError> {
        self.step = map.expect_u64("step")?;
        // After the last update its layer is still the one in training.
        let layer = self.layer_at(self.step.min(self.config.learning.updates - 1));
        self.greedy.load(layer, map, &mut self.ws)
    }
}
