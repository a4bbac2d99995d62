//! Energies in double precision whose derivatives are written by hand, and a normal distribution as noise.

use gibbs_core::dense::Dense;
use gibbs_core::energy::{Direct, Distribution, Energy, Gradient, Parametric, ScoreParametric, Weigh};
use gibbs_core::key::Key;
use gibbs_core::params::ParamMap;
use gibbs_core::rows::{Continuous, Rows};
use gibbs_core::scratch::Scratch;

pub type Points = Dense<f64>;

/// `E(x) = x'Ax/2 + b'x + c` with every entry of `A` free: only its symmetric part matters.
pub struct Quadratic {
    d: usize,
    params: ParamMap,
}

impl Quadratic {
    /// `A = I`, the rest zero.
    pub fn standard(d: usize) -> Self {
        let mut params = ParamMap::zeros(&[("a", &[d, d]), ("b", &[d]), ("c", &[1])]);
        (0..d).for_each(|i| params.get_mut("a")[i * d + i] = 1.0);
        Self { d, params }
    }

    /// The symmetric part of `A`, row-major.
    pub fn precision(&self) -> Vec<f64> {
        let (a, d) = (self.params.get("a"), self.d);
        (0..d * d).map(|k| 0.5 * (f64::from(a[k]) + f64::from(a[k % d * d + k / d]))).collect()
    }
}

/// `A x`.
fn times<'a>(a: &'a [f64], x: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
    a.chunks_exact(x.len()).map(move |row| row.iter().zip(x).map(|(a, x)| a * x).sum())
}

impl Energy for Quadratic {
    type X = Points;

    fn energy(&self, x: &Points, out: &mut [f64], _ws: &mut Scratch) {
        let (a, b, c) = (self.precision(), self.params.get("b"), f64::from(self.params.get("c")[0]));
        for (i, o) in out.iter_mut().enumerate() {
            let x = x.row(i);
            let linear: f64 = b.iter().zip(x).map(|(&b, x)| f64::from(b) * x).sum();
            *o = 0.5 * times(&a, x).zip(x).map(|(a, x)| a * x).sum::<f64>() + linear + c;
        }
    }
}

impl Gradient for Quadratic {
    fn energy_grad(&self, x: &Points, e: &mut [f64], g: &mut Points, ws: &mut Scratch) {
        self.energy(x, e, ws);
        let a = self.precision();
        for i in 0..x.n_rows() {
            let ax = times(&a, x.row(i));
            let b = self.params.get("b").iter();
            g.row_mut(i).iter_mut().zip(ax).zip(b).for_each(|((g, ax), &b)| *g = ax + f64::from(b));
        }
    }
}

impl Parametric for Quadratic {
    fn params(&self) -> &ParamMap {
        &self.params
    }

    fn params_mut(&mut self) -> &mut ParamMap {
        &mut self.params
    }

    fn add_grad(&self, x: &Points, w: &[f64], out: &mut ParamMap, _ws: &mut Scratch) {
        let d = self.d;
        let mut sum = vec![0.0; d * d + d + 1];
        for (i, w) in w.iter().enumerate() {
            let x = x.row(i);
            (0..d * d).for_each(|k| sum[k] += 0.5 * w * x[k / d] * x[k % d]);
            (0..d).for_each(|k| sum[d * d + k] += w * x[k]);
            sum[d * d + d] += w;
        }
        add(out, &sum);
    }

    /// In two ranges of rows, as two threads would ask.
    fn add_grad_with(&self, x: &Points, weigh: &Weigh<'_>, out: &mut ParamMap, ws: &mut Scratch) {
        let (n, half) = (x.n_rows(), x.n_rows() / 2);
        let (mut e, mut w) = (vec![0.0; n], vec![0.0; n]);
        self.energy(x, &mut e, ws);
        let (first, second) = w.split_at_mut(half);
        weigh(half..n, &e[half..], second);
        weigh(0..half, &e[..half], first);
        self.add_grad(x, &w, out, ws);
    }
}

impl ScoreParametric for Quadratic {
    fn add_score_grad(&self, x: &Points, direct: &Direct<'_, f64>, out: &mut ParamMap, ws: &mut Scratch) {
        let d = self.d;
        let (g, v) = directions(self, x, direct, ws);
        let mut sum = vec![0.0; d * d + d + 1];
        for i in 0..g.n_rows() {
            let (x, v) = (x.row(i), v.row(i));
            (0..d * d).for_each(|k| sum[k] += 0.5 * (v[k / d] * x[k % d] + x[k / d] * v[k % d]));
            (0..d).for_each(|k| sum[d * d + k] += v[k]);
        }
        add(out, &sum);
    }

    fn add_curvature_grad(
        &self,
        x: &Points,
        v: &Points,
        w: &[f64],
        curvature: &mut [f64],
        out: &mut ParamMap,
        _ws: &mut Scratch,
    ) {
        let (d, a) = (self.d, self.precision());
        let mut sum = vec![0.0; d * d + d + 1];
        for i in 0..x.n_rows() {
            let v = v.row(i);
            curvature[i] = times(&a, v).zip(v).map(|(a, v)| a * v).sum();
            (0..d * d).for_each(|k| sum[k] += w[i] * v[k / d] * v[k % d]);
        }
        add(out, &sum);
    }
}

/// `E(x) = exp(a) x^4 + b x^2 + c x + k` on the line: third derivatives matter, and one parameter is not linear.
pub struct Quartic(ParamMap);

impl Quartic {
    pub fn new(values: [f32; 4]) -> Self {
        let mut params = ParamMap::zeros(&[("abck", &[4])]);
        params.flat_mut().copy_from_slice(&values);
        Self(params)
    }

    fn values(&self) -> [f64; 4] {
        let p = self.0.flat();
        [f64::from(p[0]).exp(), f64::from(p[1]), f64::from(p[2]), f64::from(p[3])]
    }

    /// `log Z` by the trapezium rule on [-6, 6]: spectrally accurate for a density that vanishes at the ends.
    pub fn log_z(&self) -> f64 {
        let (n, h) = (2_400, 12.0 / 2_400.0);
        let x = Points::from_rows(1, (0..=n).map(|i| -6.0 + h * f64::from(i)).collect());
        let mut e = vec![0.0; x.n_rows()];
        self.energy(&x, &mut e, &mut Scratch::default());
        (e.iter().map(|e| (-e).exp()).sum::<f64>() * h).ln()
    }
}

impl Energy for Quartic {
    type X = Points;

    fn energy(&self, x: &Points, out: &mut [f64], _ws: &mut Scratch) {
        let [a, b, c, k] = self.values();
        out.iter_mut().zip(x.values()).for_each(|(o, x)| *o = a * x.powi(4) + b * x * x + c * x + k);
    }
}

impl Gradient for Quartic {
    fn energy_grad(&self, x: &Points, e: &mut [f64], g: &mut Points, ws: &mut Scratch) {
        let [a, b, c, _] = self.values();
        self.energy(x, e, ws);
        g.values_mut().iter_mut().zip(x.values()).for_each(|(g, x)| *g = 4.0 * a * x.powi(3) + 2.0 * b * x + c);
    }
}

impl Parametric for Quartic {
    fn params(&self) -> &ParamMap {
        &self.0
    }

    fn params_mut(&mut self) -> &mut ParamMap {
        &mut self.0
    }

    fn add_grad(&self, x: &Points, w: &[f64], out: &mut ParamMap, _ws: &mut Scratch) {
        let a = self.values()[0];
        let mut sum = [0.0; 4];
        for (x, w) in x.values().iter().zip(w) {
            [a * x.powi(4), x * x, *x, 1.0].iter().zip(&mut sum).for_each(|(f, s)| *s += w * f);
        }
        add(out, &sum);
    }
}

impl ScoreParametric for Quartic {
    fn add_score_grad(&self, x: &Points, direct: &Direct<'_, f64>, out: &mut ParamMap, ws: &mut Scratch) {
        let a = self.values()[0];
        let (_, v) = directions(self, x, direct, ws);
        let mut sum = [0.0; 4];
        for (x, v) in x.values().iter().zip(v.values()) {
            [4.0 * a * x.powi(3), 2.0 * x, 1.0].iter().zip(&mut sum).for_each(|(f, s)| *s += v * f);
        }
        add(out, &sum);
    }

    fn add_curvature_grad(
        &self,
        x: &Points,
        v: &Points,
        w: &[f64],
        curvature: &mut [f64],
        out: &mut ParamMap,
        _ws: &mut Scratch,
    ) {
        let [a, b, ..] = self.values();
        let mut sum = [0.0; 2];
        for (i, (x, v)) in x.values().iter().zip(v.values()).enumerate() {
            curvature[i] = v * v * (12.0 * a * x * x + 2.0 * b);
            sum[0] += w[i] * v * v * 12.0 * a * x * x;
            sum[1] += w[i] * v * v * 2.0;
        }
        add(out, &sum);
    }
}

/// Gradients, and the directions that `direct` makes of them, in two ranges of rows as two threads would ask.
fn directions<E: Gradient<X = Points>>(
    energy: &E,
    x: &Points,
    direct: &Direct<'_, f64>,
    ws: &mut Scratch,
) -> (Points, Points) {
    let (n, d) = (x.n_rows(), x.n_cols());
    let (mut e, mut g, mut v) = (vec![0.0; n], Points::zeros(n, d), Points::zeros(n, d));
    energy.energy_grad(x, &mut e, &mut g, ws);
    let half = n / 2;
    let (first, second) = v.values_mut().split_at_mut(half * d);
    direct(half..n, &e[half..], &g.values()[half * d..], second);
    direct(0..half, &e[..half], &g.values()[..half * d], first);
    (g, v)
}

fn add(out: &mut ParamMap, sum: &[f64]) {
    out.flat_mut().iter_mut().zip(sum).for_each(|(o, &s)| *o += s as f32);
}

/// Independent normal coordinates.
#[derive(Clone)]
pub struct Normal {
    pub mean: Vec<f64>,
    pub sd: Vec<f64>,
}

impl Energy for Normal {
    type X = Points;

    fn energy(&self, x: &Points, out: &mut [f64], _ws: &mut Scratch) {
        for (i, o) in out.iter_mut().enumerate() {
            let terms = x.row(i).iter().zip(self.mean.iter().zip(&self.sd));
            *o = terms.map(|(x, (m, s))| 0.5 * ((x - m) / s).powi(2) + s.ln() + 0.5 * std::f64::consts::TAU.ln()).sum();
        }
    }
}

impl Distribution for Normal {
    fn sample(&self, n: usize, key: &Key) -> Points {
        let mut rng = key.rng();
        let mut x = Points::zeros(n, self.mean.len());
        for i in 0..n {
            let parts = self.mean.iter().zip(&self.sd);
            x.row_mut(i).iter_mut().zip(parts).for_each(|(x, (m, s))| *x = m + s * rng.normal());
        }
        x
    }
}
