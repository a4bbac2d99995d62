//! Every objective's gradient is the derivative of its own loss at the same random numbers.

use gibbs_core::energy::{Direct, Energy, Gradient, Parametric, ScoreParametric};
use gibbs_core::key::Key;
use gibbs_core::objective::{Objective, ObjectiveInfo};
use gibbs_core::objectives::{
    ConditionalNce, Denoising, FiniteDifferenceSliced, NoiseContrastive, ScoreMatching, Sliced, SlicedForm, Trace,
};
use gibbs_core::params::ParamMap;
use gibbs_core::path::Target;
use gibbs_core::rows::Rows;
use gibbs_core::scratch::Scratch;

use crate::energies::{Normal, Points, Quadratic, Quartic};

/// Gradient and info of one batch.
pub fn evaluate<E, O>(
    objective: &O,
    path: &Target<E>,
    data: &Points,
    weights: &[f64],
    seed: u64,
) -> (ParamMap, ObjectiveInfo)
where
    E: ScoreParametric<X = Points>,
    O: Objective<Target<E>>,
{
    let (key, mut ws) = (Key::from_seed(seed), Scratch::default());
    let mut state = objective.init(path, data, &key, &mut ws);
    // What `out` held before must not matter.
    let mut out = path.0.params().zeros_like();
    out.flat_mut().fill(7.0);
    let info = objective.gradient(path, data, weights, &mut state, &mut out, &mut |_| {}, true, &key.step(1), &mut ws);
    (out, info)
}

/// The largest difference between the gradient and central differences of the loss, relative to the largest slope.
pub fn discrepancy<E, O>(objective: &O, energy: E, data: &Points) -> f64
where
    E: ScoreParametric<X = Points>,
    O: Objective<Target<E>>,
{
    // Weights that are not all equal, and sum to one.
    let n = data.n_rows();
    let total = (n * (n + 1) / 2) as f64;
    let weights: Vec<f64> = (1..=n).map(|i| i as f64 / total).collect();
    let mut path = Target(energy);
    let (gradient, _) = evaluate(objective, &path, data, &weights, 3);
    let mut slopes = Vec::new();
    for k in 0..gradient.flat().len() {
        let centre = path.0.params().flat()[k];
        let mut at = |value: f32| {
            path.0.params_mut().flat_mut()[k] = value;
            (f64::from(value), evaluate(objective, &path, data, &weights, 3).1.loss.unwrap())
        };
        // Parameters are single precision: the step is what they round to.
        let ((up, above), (down, below)) = (at(centre + 1e-3), at(centre - 1e-3));
        at(centre);
        slopes.push((above - below) / (up - down));
    }
    let scale = slopes.iter().fold(0.0f64, |m, s| m.max(s.abs()));
    gradient.flat().iter().zip(&slopes).fold(0.0f64, |m, (g, s)| m.max((f64::from(*g) - s).abs())) / scale
}

/// Losses are smooth in parameters of order one: truncation is of order `h^2 = 1e-6`, gradients in single precision
/// carry 1e-7, both relative to the largest slope; a wrong sign or factor shows as order one.
pub const TOLERANCE: f64 = 2e-5;

pub fn line() -> Points {
    Points::from_rows(1, vec![-1.3, -0.4, 0.1, 0.8, 1.1, 1.9, -0.9])
}

pub fn quartic() -> Quartic {
    Quartic::new([-1.2, -0.6, 0.3, 0.2])
}

pub fn space() -> Points {
    Points::from_rows(3, (0..15).map(|i| (f64::from(i) * 1.7).sin() * 1.5).collect())
}

pub fn quadratic() -> Quadratic {
    let mut energy = Quadratic::standard(3);
    energy.params_mut().flat_mut().iter_mut().enumerate().for_each(|(i, p)| *p += (i as f32 * 2.3).cos() * 0.3);
    energy
}

macro_rules! check {
    ($($name:ident: $objective:expr;)*) => {$(
        #[test]
        fn $name() {
            let objective = $objective;
            let (a, b) = (discrepancy(&objective(1), quartic(), &line()), discrepancy(&objective(3), quadratic(), &space()));
            assert!(a < TOLERANCE && b < TOLERANCE, "quartic {a:e}, quadratic {b:e}");
        }
    )*};
}

check! {
    noise_contrastive: |d| NoiseContrastive::new(Normal { mean: vec![0.2; d], sd: vec![1.1; d] }, 3).unwrap();
    conditional_nce: |_| ConditionalNce::new(0.4, 2).unwrap();
    explicit: |_| ScoreMatching::new(Trace::Exact).unwrap();
    hutchinson: |_| ScoreMatching::new(Trace::Hutchinson { probes: 2 }).unwrap();
    sliced: |_| Sliced::new(SlicedForm::Projected, 2).unwrap();
    sliced_with_reduced_variance: |_| Sliced::new(SlicedForm::VarianceReduced, 2).unwrap();
    finite_difference: |_| FiniteDifferenceSliced::new(0.1, 2).unwrap();
    denoising: |_| Denoising::new(0.3).unwrap();
    denoising_at_several_levels: |_| Denoising::levels(0.1, 0.8, 4).unwrap();
}

/// The inner energy with the sign of one derivative planted wrong.
struct Wrong<E> {
    inner: E,
    score: f64,
    curvature: f64,
}

impl<E: ScoreParametric<X = Points>> Energy for Wrong<E> {
    type X = Points;

    fn energy(&self, x: &Points, out: &mut [f64], ws: &mut Scratch) {
        self.inner.energy(x, out, ws);
    }
}

impl<E: ScoreParametric<X = Points>> Gradient for Wrong<E> {
    fn energy_grad(&self, x: &Points, e: &mut [f64], g: &mut Points, ws: &mut Scratch) {
        self.inner.energy_grad(x, e, g, ws);
    }
}

impl<E: ScoreParametric<X = Points>> Parametric for Wrong<E> {
    fn params(&self) -> &ParamMap {
        self.inner.params()
    }

    fn params_mut(&mut self) -> &mut ParamMap {
        self.inner.params_mut()
    }

    fn add_grad(&self, x: &Points, w: &[f64], out: &mut ParamMap, ws: &mut Scratch) {
        let w: Vec<f64> = w.iter().map(|w| w * self.score).collect();
        self.inner.add_grad(x, &w, out, ws);
    }
}

impl<E: ScoreParametric<X = Points>> ScoreParametric for Wrong<E> {
    fn add_score_grad(&self, x: &Points, direct: &Direct<'_, f64>, out: &mut ParamMap, ws: &mut Scratch) {
        let signed = |rows: std::ops::Range<usize>, e: &[f64], g: &[f64], v: &mut [f64]| {
            direct(rows, e, g, v);
            v.iter_mut().for_each(|v| *v *= self.score);
        };
        self.inner.add_score_grad(x, &signed, out, ws);
    }

    fn add_curvature_grad(
        &self,
        x: &Points,
        v: &Points,
        w: &[f64],
        curvature: &mut [f64],
        out: &mut ParamMap,
        ws: &mut Scratch,
    ) {
        let w: Vec<f64> = w.iter().map(|w| w * self.curvature).collect();
        self.inner.add_curvature_grad(x, v, &w, curvature, out, ws);
    }
}

/// The check has power: it sees a single wrong sign, in the score or in the curvature.
#[test]
fn a_wrong_sign_is_seen() {
    let wrong = |score: f64, curvature: f64| Wrong { inner: quartic(), score, curvature };
    let explicit = ScoreMatching::new(Trace::Exact).unwrap();
    assert!(discrepancy(&explicit, wrong(1.0, 1.0), &line()) < TOLERANCE);
    assert!(discrepancy(&explicit, wrong(-1.0, 1.0), &line()) > 0.1);
    assert!(discrepancy(&explicit, wrong(1.0, -1.0), &line()) > 0.1);
    let sliced = Sliced::new(SlicedForm::Projected, 2).unwrap();
    assert!(discrepancy(&sliced, wrong(1.0, -1.0), &line()) > 0.1);
    assert!(discrepancy(&Denoising::new(0.3).unwrap(), wrong(-1.0, 1.0), &line()) > 0.1);
    assert!(discrepancy(&ConditionalNce::new(0.4, 2).unwrap(), wrong(-1.0, 1.0), &line()) > 0.1);
}
