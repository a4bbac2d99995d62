//! The replicated softmax behind the common interface: a machine whose `Z` depends on the length of a row.

use std::sync::OnceLock;

use gibbs_core::key::Key;
use gibbs_core::log_partition::{Certificate, LogZ, LogZError};
use gibbs_core::persist::TensorMap;
use gibbs_core::rows::Continuous;
use gibbs_spin::harmonium::exact::ByLength;
use gibbs_spin::harmonium::{Binary, Counts, HarmoniumPath};

use super::machine::MachineModel;
use super::{LogZOptions, Model, SampleObserver, Start, Units};
use crate::batch::Batch;
use crate::bracket::BracketOptions;
use crate::config::ModelKind;
use crate::error::Error;
use crate::progress::Progress;

/// What is modelled is the law of a row's counts given their sum `D`, so energies are `F(v) + log Z(D)`, normalised for each
/// length by a sum over the hidden states, and `log Z` is 0.
#[derive(Clone, Debug)]
pub struct CountsModel {
    inner: MachineModel<HarmoniumPath<Counts, Binary>>,
    by_length: OnceLock<Result<ByLength, LogZError>>,
}

impl CountsModel {
    /// From the base to the machine.
    pub fn new(path: HarmoniumPath<Counts, Binary>) -> Self {
        Self { inner: MachineModel { path }, by_length: OnceLock::new() }
    }

    fn table(&self) -> &Result<ByLength, LogZError> {
        self.by_length.get_or_init(|| ByLength::new(&self.inner.path.target))
    }

    /// `out[i] += log Z(D_i)`; NaN where it cannot be summed, which [`Model::log_z`] reports.
    fn normalise(&self, rows: &Batch, out: &mut [f64]) {
        let x = rows.real().expect("a machine of counts");
        let mut seen = std::collections::BTreeMap::new();
        for (row, o) in out.iter_mut().enumerate() {
            let length: f64 = x.row(row).iter().map(|&v| f64::from(v)).sum();
            let log_z = || self.table().as_ref().map_or(f64::NAN, |t| t.log_z(length));
            *o += *seen.entry(length as u64).or_insert_with(log_z);
        }
    }
}

/// Passes energies on normalised.
struct Normalised<'a> {
    model: &'a CountsModel,
    observer: &'a mut dyn SampleObserver,
    energies: Vec<f64>,
}

impl SampleObserver for Normalised<'_> {
    fn observe(&mut self, step: u64, rows: &Batch, energies: &[f64]) -> bool {
        self.energies.clear();
        self.energies.extend_from_slice(energies);
        self.model.normalise(rows, &mut self.energies);
        self.observer.observe(step, rows, &self.energies)
    }
}

impl Model for CountsModel {
    fn kind(&self) -> ModelKind {
        ModelKind::Rbm
    }

    fn n_columns(&self) -> usize {
        self.inner.n_columns()
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn energy(&self, rows: &Batch) -> Vec<f64> {
        let mut energies = self.inner.energy(rows);
        self.normalise(rows, &mut energies);
        energies
    }

    fn pseudo_log_likelihood(&self, _rows: &Batch) -> Option<Vec<f64>> {
        None
    }

    fn log_z(&self, _how: &LogZOptions, _key: &Key, _progress: &dyn Progress) -> Result<LogZ, Error> {
        match self.table() {
            Ok(_) => Ok(LogZ::exact(
                0.0,
                "energies are normalised for the length of each row, by sums over the hidden states",
            )),
            Err(e) => Err(e.clone().into()),
        }
    }

    /// Of the machine at the layer's own length, less the exact value there: an interval about 0, and a check of both. Chains
    /// start from the base, since rows have lengths of their own.
    fn bracket(
        &self,
        how: &BracketOptions,
        _rows: Option<&Batch>,
        key: &Key,
        progress: &dyn Progress,
    ) -> Result<Certificate, Error> {
        let exact = self.table().as_ref().map_err(Clone::clone)?;
        let length = self.inner.path.target.visible().length() as f64;
        Ok(self.inner.bracket(how, None, key, progress)?.shifted(-exact.log_z(length)))
    }

    fn sample(
        &self,
        n_chains: usize,
        start: Start<'_>,
        beta: f64,
        steps: u64,
        key: &Key,
        observer: &mut dyn SampleObserver,
    ) -> Batch {
        let mut normalised = Normalised { model: self, observer, energies: Vec::new() };
        self.inner.sample(n_chains, start, beta, steps, key, &mut normalised)
    }

    fn tensors(&self) -> TensorMap {
        self.inner.tensors()
    }

    fn filters(&self) -> Vec<Vec<f32>> {
        self.inner.filters()
    }

    fn units(&self) -> Option<Units> {
        self.inner.units()
    }
}
