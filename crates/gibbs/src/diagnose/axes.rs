//! The axes that modes are looked for along.

use gibbs_core::key::Key;

use super::AXES;
use crate::batch::Batch;

/// The principal axes of some rows, and how wide these are.
pub(super) struct Axes {
    mean: Vec<f64>,
    pub(super) directions: Vec<Vec<f64>>,
    /// Root mean square distance from the mean.
    pub(super) width: f64,
}

impl Axes {
    /// By power iteration, each axis orthogonal to those before.
    pub(super) fn of(rows: &Batch) -> Self {
        let (n, d) = (rows.n_rows(), rows.n_cols());
        let mut x: Vec<Vec<f64>> = (0..n).map(|i| rows.row(i).into_iter().map(f64::from).collect()).collect();
        let mean: Vec<f64> = (0..d).map(|j| x.iter().map(|r| r[j]).sum::<f64>() / n as f64).collect();
        x.iter_mut().for_each(|r| r.iter_mut().zip(&mean).for_each(|(v, m)| *v -= m));
        let width = (x.iter().flatten().map(|v| v * v).sum::<f64>() / n as f64).sqrt().max(1e-12);
        let mut directions: Vec<Vec<f64>> = Vec::new();
        for k in 0..AXES.min(d) {
            let mut rng = Key::from_seed(k as u64).rng();
            let mut axis: Vec<f64> = (0..d).map(|_| rng.normal()).collect();
            for _ in 0..30 {
                let mut next = vec![0.0; d];
                for r in &x {
                    let along = dot(r, &axis);
                    next.iter_mut().zip(r).for_each(|(a, v)| *a += along * v);
                }
                for before in &directions {
                    let along = dot(&next, before);
                    next.iter_mut().zip(before).for_each(|(a, b)| *a -= along * b);
                }
                let length = dot(&next, &next).sqrt();
                if length < 1e-12 {
                    break;
                }
                axis = next.into_iter().map(|a| a / length).collect();
            }
            let length = dot(&axis, &axis).sqrt();
            axis.iter_mut().for_each(|a| *a /= length);
            directions.push(axis);
        }
        Self { mean, directions, width }
    }

    pub(super) fn coordinates(&self, row: &[f32]) -> (Vec<f64>, f64) {
        let centred: Vec<f64> = row.iter().zip(&self.mean).map(|(v, m)| f64::from(*v) - m).collect();
        (self.directions.iter().map(|a| dot(a, &centred)).collect(), dot(&centred, &centred).sqrt())
    }
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}
