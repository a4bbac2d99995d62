//! Energies of data, samples and noise.

use gibbs_core::key::{Key, Purpose};

use crate::batch::Batch;
use crate::chains::ChainReport;
use crate::dataset::Prepared;
use crate::models::{Model, Start, Unobserved};
use crate::report::{Block, Histogram, Sample, Section};

/// Rows of each part in the histogram.
const ROWS: usize = 5_000;
/// Draws of the base.
const NOISE: usize = 1_000;

pub(super) fn section(model: &dyn Model, data: &Prepared, chains: &ChainReport, seed: u64) -> Section {
    let of = |rows: &Batch| model.energy(&rows.slice(0, rows.n_rows().min(ROWS)));
    let mut samples = vec![Sample { name: "train".into(), values: of(&data.train.rows) }];
    if data.test.rows.n_rows() > 0 {
        samples.push(Sample { name: "test".into(), values: of(&data.test.rows) });
    }
    samples.push(Sample { name: "model samples".into(), values: chains.traces.iter().step_by(7).copied().collect() });
    if data.train.rows.real().is_some() {
        let key = Key::from_seed(seed).purpose(Purpose::Other).step(3);
        let noise = model.sample(NOISE, Start::Base, 1.0, 0, &key, &mut Unobserved);
        samples.push(Sample { name: "noise (a Gaussian fitted to the data)".into(), values: of(&noise) });
    }
    let histogram = Histogram {
        x_label: "energy, nats (lower is more probable)".into(),
        samples,
        caption:
            "A good model gives held-out rows the energies of training rows, and draws samples of those energies. \
                  Test rows to the right of training rows are a sign of overfitting."
                .into(),
    };
    Section { title: "Energies".into(), blocks: vec![Block::Histogram(histogram)] }
}
