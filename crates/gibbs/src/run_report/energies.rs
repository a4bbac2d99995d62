//! Energies of data, samples and noise.

use std::fmt::Write;

use gibbs_core::dense::Dense;
use gibbs_core::key::{Key, Purpose};
use gibbs_core::real::Real;
use gibbs_core::rows::{Continuous, Rows};

use crate::batch::Batch;
use crate::chains::ChainReport;
use crate::dataset::Prepared;
use crate::models::Model;
use crate::report::{Block, Histogram, Level, Sample, Section};

/// Rows of each part in the histogram.
const ROWS: usize = 5_000;
/// Long chains this many nats below short ones, and below all but this share of the rows, are in a valley of their own.
const VALLEY: f64 = 3.0;
const VALLEY_ROWS: f64 = 0.05;

/// With `input_noise`, the standard deviation of the noise that training added to rows: the density is one of such rows.
pub(super) fn section(
    model: &dyn Model,
    data: &Prepared,
    chains: &ChainReport,
    input_noise: f64,
    seed: u64,
) -> Section {
    let key = Key::from_seed(seed).purpose(Purpose::Other);
    let seen = |rows: &Batch, which: u64| {
        let rows = rows.slice(0, rows.n_rows().min(ROWS));
        match rows {
            Batch::Real(x) if input_noise > 0.0 => Batch::Real(with_noise(&x, input_noise, &key.step(which))),
            rows => rows,
        }
    };
    let (train, test) = (seen(&data.train.rows, 3), seen(&data.test.rows, 4));
    let mut samples = vec![Sample { name: "train".into(), values: model.energy(&train) }];
    let valley = false_valley(&samples[0].values, chains.short_run.1, chains.energy.mean);
    if test.n_rows() > 0 {
        samples.push(Sample { name: "test".into(), values: model.energy(&test) });
    }
    samples.push(Sample { name: "model samples".into(), values: chains.traces.iter().step_by(7).copied().collect() });
    if let Batch::Real(x) = &train {
        let noise = Batch::Real(shuffled_columns(x, &key.step(5)));
        samples.push(Sample { name: "noise (columns shuffled)".into(), values: model.energy(&noise) });
    }
    let mut caption = "A good model gives held-out rows the energies of training rows, and draws samples of those \
                       energies. Test rows to the right of training rows are a sign of overfitting."
        .to_string();
    if train.real().is_some() {
        caption +=
            " Rows whose columns are shuffled, each on its own, are what is left when nothing depends on anything.";
    }
    if input_noise > 0.0 {
        _ = write!(caption, " Rows carry noise of standard deviation {input_noise}, as in training.");
    }
    let histogram = Histogram { x_label: "energy, nats (lower is more probable)".into(), samples, caption };
    let notice = valley.map(|sentence| Block::Notice(Level::Bad, sentence));
    Section { title: "Energies".into(), blocks: notice.into_iter().chain([Block::Histogram(histogram)]).collect() }
}

/// What is said of chains that settle lower than short runs reach and than rows lie.
fn false_valley(rows: &[f64], short: f64, long: f64) -> Option<String> {
    let mut sorted = rows.to_vec();
    sorted.sort_by(f64::total_cmp);
    let low = *sorted.get((VALLEY_ROWS * sorted.len() as f64) as usize)?;
    (short - long > VALLEY && low - long > VALLEY).then(|| {
        format!(
            "A false valley: long chains settle {:.1} nats below short runs and {:.1} nats below all but 5 % of the training \
             rows, so the model has its mass where training never looked. Train with longer or persistent chains.",
            short - long,
            low - long
        )
    })
}

fn with_noise(x: &Dense<f32>, sd: f64, key: &Key) -> Dense<f32> {
    let mut noisy = Dense::zeros(x.n_rows(), x.n_cols());
    f32::fill_normal(key, noisy.values_mut());
    noisy.values_mut().iter_mut().zip(x.values()).for_each(|(o, v)| *o = v + sd as f32 * *o);
    noisy
}

/// Every column in an order of its own: the marginals of the data, and no dependence.
fn shuffled_columns(x: &Dense<f32>, key: &Key) -> Dense<f32> {
    let (n, d) = (x.n_rows(), x.n_cols());
    let mut shuffled = x.clone();
    let mut rng = key.rng();
    let mut order: Vec<usize> = (0..n).collect();
    for j in 0..d {
        rng.shuffle(&mut order);
        for (i, &from) in order.iter().enumerate() {
            shuffled.values_mut()[i * d + j] = x.values()[from * d + j];
        }
    }
    shuffled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_valley_is_below_short_runs_and_below_the_rows() {
        let rows: Vec<f64> = (0..100).map(f64::from).collect();
        assert!(false_valley(&rows, 50.0, -20.0).is_some_and(|s| s.contains("70.0") && s.contains("25.0")));
        // Where chains from noise are still on their way, or where rows lie as deep, nothing is false.
        assert_eq!(false_valley(&rows, -19.0, -20.0), None);
        assert_eq!(false_valley(&rows, 500.0, 40.0), None);
    }
}
