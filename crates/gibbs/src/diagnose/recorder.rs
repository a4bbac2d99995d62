//! What is recorded of chains for the doctor.

use gibbs_core::diagnostics::Draws;
use gibbs_core::diagnostics::e_bfmi::e_bfmi;
use gibbs_core::diagnostics::temperature::{Reading, Temperature, Thermometer, of_bits};
use gibbs_core::key::Key;
use gibbs_core::rows::Continuous;
use gibbs_core::scratch::Scratch;

use super::axes::{Axes, dot};
use super::sampling::RealRows;
use super::{CHAINS, COORDINATES, DIFFERENCE, DiagnoseOptions, FAR, READINGS};
use crate::batch::Batch;
use crate::models::{Model, SampleObserver, Start, Unobserved};
use crate::progress::Progress;

/// What is recorded of the chains after warm-up.
pub(super) struct Recorder<'a> {
    model: &'a dyn Model,
    axes: &'a Axes,
    warm_up: u64,
    every: u64,
    energies: Vec<Vec<f64>>,
    /// Total energies of Hamiltonian chains, chain after chain.
    totals: Vec<Vec<f64>>,
    /// `[axis][chain]`.
    projections: Vec<Vec<Vec<f64>>>,
    pub(super) stayed: Vec<u64>,
    left: Vec<bool>,
    previous: Option<Batch>,
    meter: Option<Thermometer>,
    /// Log-odds and bits of each chain, where the model knows them.
    bits: Vec<(Vec<f64>, Vec<bool>)>,
    progress: &'a dyn Progress,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(model: &'a dyn Model, axes: &'a Axes, how: &DiagnoseOptions, progress: &'a dyn Progress) -> Self {
        let (n, d) = (2 * CHAINS, model.n_columns());
        let directions = if d <= COORDINATES {
            Thermometer::coordinates(n, d)
        } else {
            let mut rng = Key::from_seed(0).rng();
            let unit = |_| {
                let u: Vec<f64> = (0..d).map(|_| rng.normal()).collect();
                let length = dot(&u, &u).sqrt();
                u.into_iter().map(move |v| v / length)
            };
            Thermometer::new(n, d, (0..COORDINATES).flat_map(unit).collect())
        };
        let probe = model.sample(1, Start::Base, 1.0, 0, &Key::from_seed(0), &mut Unobserved);
        let real = matches!(probe, Batch::Real(_)) && model.gradient(&probe).is_some();
        Self {
            model,
            axes,
            warm_up: how.warm_up,
            every: (how.steps / READINGS[usize::from(!real)]).max(1),
            energies: vec![Vec::new(); n],
            totals: vec![Vec::new(); n],
            projections: vec![vec![Vec::new(); n]; axes.directions.len()],
            stayed: vec![0; n],
            left: vec![false; n],
            previous: None,
            meter: real.then_some(directions),
            bits: vec![(Vec::new(), Vec::new()); n],
            progress,
        }
    }

    fn measure(&mut self, rows: &Batch) {
        match rows {
            Batch::Real(x) => {
                if let Some(meter) = &mut self.meter {
                    let step = DIFFERENCE * self.axes.width / (x.n_cols() as f64).sqrt();
                    meter.record(&RealRows(self.model), x, step, &mut Scratch::default());
                }
            }
            Batch::Bits(x) => {
                let Some(deltas) = self.model.flip_deltas(rows) else { return };
                let d = x.n_cols();
                for (c, (log_odds, on)) in self.bits.iter_mut().enumerate() {
                    for j in 0..d {
                        let (bit, delta) = (x.get(c, j), deltas[c * d + j]);
                        log_odds.push(if bit { delta } else { -delta });
                        on.push(bit);
                    }
                }
            }
        }
    }

    pub(super) fn temperature(&self) -> Option<Temperature> {
        if let Some(meter) = &self.meter {
            return meter.read();
        }
        let log_odds: Vec<f64> = self.bits.iter().flat_map(|b| b.0.iter().copied()).collect();
        let on: Vec<bool> = self.bits.iter().flat_map(|b| b.1.iter().copied()).collect();
        let overall: Reading = of_bits(&log_odds, &on, self.bits.len())?;
        Some(Temperature { overall, directions: Vec::new() })
    }

    pub(super) fn exploded(&self) -> usize {
        self.left.iter().filter(|l| **l).count()
    }

    /// Takes in the total energies of Hamiltonian chains after warm-up.
    pub(super) fn observe_totals<'b>(&mut self, blocks: impl Iterator<Item = &'b [f64]>) {
        self.totals.iter_mut().zip(blocks.flatten()).for_each(|(trace, e)| trace.push(*e));
    }

    /// Betancourt's fraction, of Hamiltonian chains whose energies vary.
    pub(super) fn e_bfmi(&self) -> Option<f64> {
        let all = self.totals.concat();
        let draws = Draws::new(&all, self.totals.len()).ok()?;
        Some(e_bfmi(&draws)).filter(|b| b.is_finite())
    }

    /// Energies, and coordinates along each axis, chain after chain.
    pub(super) fn traces(&self) -> (Vec<f64>, Vec<Vec<f64>>) {
        (self.energies.concat(), self.projections.iter().map(|p| p.concat()).collect())
    }
}

impl SampleObserver for Recorder<'_> {
    fn observe(&mut self, step: u64, rows: &Batch, energies: &[f64]) -> bool {
        self.progress.advance(step + 1);
        if step < self.warm_up {
            return !self.progress.stop();
        }
        for (c, e) in energies.iter().enumerate() {
            let row = rows.row(c);
            let (along, distance) = self.axes.coordinates(&row);
            let finite = e.is_finite() && distance.is_finite();
            self.left[c] |= !finite || distance > FAR * self.axes.width;
            // Chains that left are counted; what is judged of the others needs finite numbers.
            self.energies[c].push(if finite { *e } else { 0.0 });
            for (trace, value) in self.projections.iter_mut().zip(along) {
                trace[c].push(if finite { value } else { 0.0 });
            }
            let stayed = self.previous.as_ref().is_some_and(|p| p.row(c) == row);
            self.stayed[c] += u64::from(stayed);
        }
        if (step - self.warm_up).is_multiple_of(self.every) {
            self.measure(rows);
        }
        self.previous = Some(rows.clone());
        !self.progress.stop()
    }

    fn wants_energies(&self, step: u64) -> bool {
        step >= self.warm_up
    }
}
