//! Machines on a path, moved by a kernel without tuning: what they have in common behind the interface of models.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};

use gibbs_core::kernel::{Evaluated, Kernel, run};
use gibbs_core::key::{Key, Purpose};
use gibbs_core::log_partition::{Certificate, LogZ, LogZError, Raise, RaiseEstimate, Starts, ais::linear_ladder};
use gibbs_core::objective::ObjectiveInfo;
use gibbs_core::objectives::ExactMoments;
use gibbs_core::params::ParamMap;
use gibbs_core::path::Annealable;
use gibbs_core::persist::{Persist, TensorMap};
use gibbs_core::rows::{ExchangeRows, Rows};
use gibbs_core::samplers::SwapStatistics;
use gibbs_core::scratch::Scratch;

use super::tempered::temper;
use super::{ClassLaw, LogZOptions, Model, SampleObserver, Start, Units, climb};
use crate::batch::Batch;
use crate::bracket::{Annealing, BracketOptions};
use crate::config::{LogZMethod, ModelKind};
use crate::conservative::RaiseOptions;
use crate::error::Error;
use crate::progress::Progress;

/// Positions of chains and what the path caches of them.
pub type ChainOf<P> = Evaluated<<P as gibbs_core::path::Path>::X, <P as gibbs_core::path::Path>::Eval>;

/// A path from a base to a machine, moved by a kernel without tuning: what training and sampling need of it.
pub trait Machine: Annealable<X: Persist + ExchangeRows, Eval: ExchangeRows> + ExactMoments + Clone + 'static {
    /// Moves chains along the path.
    type Kernel: Kernel<Self, Chain = ChainOf<Self>, Tuning = (), Info = ()> + Copy + Default;

    /// The rows of a batch of the right kind.
    ///
    /// # Panics
    /// If the batch is of another kind.
    fn rows(batch: &Batch) -> &Self::X;

    /// Rows as a batch.
    fn batch(x: Self::X) -> Batch;

    /// The machine behind the common interface.
    fn into_model(self) -> Box<dyn Model>;

    /// Columns where `known` is set take the values of `from`; `false` where that is no way to hold them.
    fn clamp(&self, _x: &mut Self::X, _from: &Self::X, _known: &[bool]) -> bool {
        false
    }

    /// A step of chains whose `known` columns are held at the values of `from`; `false` where columns cannot be held.
    ///
    /// This one redraws all columns from their conditionals and puts the known ones back, which leaves the law of the others
    /// given them invariant where columns are independent given the hidden units.
    fn step_given(
        &self,
        from: &Self::X,
        known: &[bool],
        chain: &mut ChainOf<Self>,
        key: &Key,
        ws: &mut Scratch,
    ) -> bool {
        Self::Kernel::default().step(self, 1.0, &(), chain, key, ws);
        let held = self.clamp(&mut chain.x, from, known);
        self.evaluate(&chain.x, &mut chain.eval, ws);
        held
    }

    /// The gradient of the pseudo-likelihood, of machines of free two-valued sites.
    fn pseudo_likelihood(
        &self,
        _rows: &Self::X,
        _weights: &[f64],
        _out: &mut ParamMap,
        _ws: &mut Scratch,
    ) -> Option<ObjectiveInfo> {
        None
    }
}

/// A machine that says of itself what [`Model`] wants to know.
pub trait Described: Machine {
    /// Whether the kernel satisfies detailed balance.
    const REVERSIBLE: bool;

    /// See [`Model::kind`].
    fn kind(&self) -> ModelKind;

    /// See [`Model::describe`].
    fn describe(&self) -> String;

    /// See [`Model::n_columns`].
    fn n_columns(&self) -> usize;

    /// See [`Model::n_variables`].
    fn n_variables(&self) -> usize {
        self.n_columns()
    }

    /// Energies of rows, nats.
    fn energy(&self, x: &Self::X, out: &mut [f64]);

    /// See [`Model::pseudo_log_likelihood`].
    fn pseudo_log_likelihood(&self, _x: &Self::X) -> Option<Vec<f64>> {
        None
    }

    /// See [`Model::flip_deltas`].
    fn flip_deltas(&self, _x: &Self::X) -> Option<Vec<f64>> {
        None
    }

    /// Terms of the exact sum, where there is one.
    fn exact_work(&self) -> Option<u64>;

    /// The exact `log Z`; `progress` is told how many of these terms are done, `false` stops.
    fn exact_log_z(&self, progress: &(dyn Fn(u64) -> bool + Sync)) -> Result<LogZ, LogZError>;

    /// Exact samples of the machine, where there is a fast way to them.
    fn exact_starts(&self, _key: &Key) -> Option<Starts<'_, Self::X>> {
        None
    }

    /// The same machine behind another base, for a look at whether the first missed anything, and that base's name.
    fn other_base(&self) -> (Self, &'static str);

    /// A path and a point on it where chains have the machine's law at inverse temperature `beta`.
    fn at_temperature(&self, beta: f64) -> (Self, f64);

    /// See [`Model::ratio`].
    fn ratio(
        &self,
        _other: &dyn Model,
        _how: &BracketOptions,
        _rows: Option<&Self::X>,
        _key: &Key,
        _progress: &dyn Progress,
    ) -> Option<Result<Certificate, Error>> {
        None
    }

    /// See [`Model::tensors`].
    fn tensors(&self) -> TensorMap;

    /// See [`Model::filters`].
    fn filters(&self) -> Vec<Vec<f32>> {
        Vec::new()
    }

    /// See [`Model::units`].
    fn units(&self) -> Option<Units> {
        None
    }

    /// See [`Model::gradient`].
    fn gradient(&self, _x: &Self::X) -> Option<Vec<f32>> {
        None
    }

    /// See [`Model::class_law`].
    fn class_law(&self, _x: &Self::X) -> Option<ClassLaw> {
        None
    }
}

/// A machine with the base that annealing starts from.
#[derive(Clone, Debug)]
pub struct MachineModel<P> {
    /// From the base to the machine.
    pub path: P,
}

impl<P: Described> MachineModel<P> {
    fn exact_log_z(&self, progress: &dyn Progress) -> Result<LogZ, Error> {
        progress.begin("exact log Z", self.path.exact_work().unwrap_or(0));
        // Reports arrive from several threads and out of order.
        let most = AtomicU64::new(0);
        let found = self.path.exact_log_z(&|done| {
            progress.advance(most.fetch_max(done, Ordering::Relaxed).max(done));
            !progress.stop()
        });
        progress.end();
        Ok(found?)
    }

    /// By a method that starts from the base alone.
    fn climb(&self, how: &LogZOptions, key: &Key, progress: &dyn Progress) -> Result<LogZ, Error> {
        let (other, name) = self.path.other_base();
        climb::log_z(&self.path, &P::Kernel::default(), Some((&other, name)), how, key, progress)
    }
}

/// Chains started at rows of data, taken in turn, or at draws of the base.
fn start<P: Machine>(path: &P, n_chains: usize, start: &Start<'_>, key: &Key) -> P::X {
    match start {
        Start::Base => path.sample_base(n_chains, &key.purpose(Purpose::Init)),
        Start::Rows(rows) => P::rows(rows).select(&(0..n_chains).map(|i| i % rows.n_rows()).collect::<Vec<_>>()),
    }
}

impl<P: Described> Model for MachineModel<P> {
    fn kind(&self) -> ModelKind {
        self.path.kind()
    }

    fn n_columns(&self) -> usize {
        self.path.n_columns()
    }

    fn n_variables(&self) -> usize {
        self.path.n_variables()
    }

    fn describe(&self) -> String {
        self.path.describe()
    }

    fn energy(&self, rows: &Batch) -> Vec<f64> {
        let mut out = vec![0.0; rows.n_rows()];
        self.path.energy(P::rows(rows), &mut out);
        out
    }

    fn pseudo_log_likelihood(&self, rows: &Batch) -> Option<Vec<f64>> {
        self.path.pseudo_log_likelihood(P::rows(rows))
    }

    fn log_z(&self, how: &LogZOptions, key: &Key, progress: &dyn Progress) -> Result<LogZ, Error> {
        let cheap = self.exact_work().is_some_and(|work| work <= how.exact_work);
        match how.method {
            LogZMethod::Exact => self.exact_log_z(progress),
            LogZMethod::Bracket => {
                Ok(self.bracket(&BracketOptions::default(), None, &key.purpose(Purpose::LogZ), progress)?.log_z())
            }
            LogZMethod::Auto if cheap => self.exact_log_z(progress),
            _ => self.climb(how, key, progress),
        }
    }

    fn exact_work(&self) -> Option<u64> {
        self.path.exact_work()
    }

    fn bracket(
        &self,
        how: &BracketOptions,
        rows: Option<&Batch>,
        key: &Key,
        progress: &dyn Progress,
    ) -> Result<Certificate, Error> {
        let annealing = Annealing {
            path: &self.path,
            kernel: &P::Kernel::default(),
            reversible: P::REVERSIBLE,
            starts: self.path.exact_starts(&key.purpose(Purpose::Other)).into_iter().collect(),
            rows: rows.map(P::rows),
        };
        annealing.bracket(how, key, progress)
    }

    fn sample(
        &self,
        n_chains: usize,
        from: Start<'_>,
        beta: f64,
        steps: u64,
        key: &Key,
        observer: &mut dyn SampleObserver,
    ) -> Batch {
        let mut ws = Scratch::default();
        let x = start(&self.path, n_chains, &from, key);
        let tempered = (beta != 1.0).then(|| self.path.at_temperature(beta));
        let (path, beta) = tempered.as_ref().map_or((&self.path, 1.0), |(path, beta)| (path, *beta));
        let kernel = P::Kernel::default();
        let mut chain = kernel.init(path, x, &mut ws);
        let mut energies = vec![0.0; n_chains];
        let moves = key.purpose(Purpose::Noise);
        run(&kernel, path, beta, &(), &mut chain, steps, &moves, &mut ws, &mut |t: u64, c: &ChainOf<P>, (): &()| {
            path.target_energy(&c.x, &c.eval, &mut energies);
            let rows = P::batch(c.x.clone());
            if observer.observe(t, &rows, &energies) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        P::batch(chain.x)
    }

    fn temper(
        &self,
        levels: usize,
        from: &Batch,
        steps: u64,
        key: &Key,
        observer: &mut dyn SampleObserver,
    ) -> Result<SwapStatistics, Error> {
        temper(&self.path, &P::Kernel::default(), P::rows(from), levels, steps, key, |t, x, energies| {
            observer.observe(t, &P::batch(x.clone()), energies)
        })
        .map_err(|e| Error::Usage(e.to_string()))
    }

    fn sample_given(
        &self,
        from: &Batch,
        known: &[bool],
        steps: u64,
        key: &Key,
        observer: &mut dyn SampleObserver,
    ) -> Result<Batch, Error> {
        sample_given(&self.path, P::rows(from), known, steps, key, observer).map(P::batch)
    }

    fn flip_deltas(&self, rows: &Batch) -> Option<Vec<f64>> {
        self.path.flip_deltas(P::rows(rows))
    }

    fn ratio(
        &self,
        other: &dyn Model,
        how: &BracketOptions,
        rows: Option<&Batch>,
        key: &Key,
        progress: &dyn Progress,
    ) -> Option<Result<Certificate, Error>> {
        self.path.ratio(other, how, rows.map(P::rows), key, progress)
    }

    fn tensors(&self) -> TensorMap {
        self.path.tensors()
    }

    fn filters(&self) -> Vec<Vec<f32>> {
        self.path.filters()
    }

    fn units(&self) -> Option<Units> {
        self.path.units()
    }

    fn gradient(&self, rows: &Batch) -> Option<Vec<f32>> {
        self.path.gradient(P::rows(rows))
    }

    fn class_law(&self, rows: &Batch) -> Option<ClassLaw> {
        self.path.class_law(P::rows(rows))
    }

    fn raise(
        &self,
        rows: &Batch,
        how: &RaiseOptions,
        key: &Key,
        progress: &dyn Progress,
    ) -> Option<Result<RaiseEstimate, Error>> {
        P::REVERSIBLE.then(|| raise(&self.path, P::Kernel::default(), P::rows(rows), how, key, progress))
    }
}

/// Conservative log-likelihoods of rows by a reversible kernel.
pub(super) fn raise<P: Annealable, K: Kernel<P>>(
    path: &P,
    kernel: K,
    rows: &P::X,
    how: &RaiseOptions,
    key: &Key,
    progress: &dyn Progress,
) -> Result<RaiseEstimate, Error> {
    let raise = Raise::new(kernel, how.n_chains, linear_ladder(how.n_temperatures.max(1)))?;
    progress.begin("reverse annealing of rows", 1000);
    let found = raise.estimate(path, rows, key, &mut |done, total| {
        progress.advance((1000.0 * done as f64 / total as f64) as u64);
        if progress.stop() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    progress.end();
    Ok(found?)
}

/// Chains from every row of `from` whose known columns are held.
fn sample_given<P: Machine>(
    path: &P,
    from: &P::X,
    known: &[bool],
    steps: u64,
    key: &Key,
    observer: &mut dyn SampleObserver,
) -> Result<P::X, Error> {
    let mut ws = Scratch::default();
    let mut chain = P::Kernel::default().init(path, from.clone(), &mut ws);
    let mut energies = vec![0.0; from.n_rows()];
    for t in 0..steps {
        if !path.step_given(from, known, &mut chain, &key.step(t), &mut ws) {
            return Err(Error::Usage("columns of this kind of model cannot be held while others are drawn".into()));
        }
        path.target_energy(&chain.x, &chain.eval, &mut energies);
        if !observer.observe(t, &P::batch(chain.x.clone()), &energies) {
            break;
        }
    }
    Ok(chain.x)
}
