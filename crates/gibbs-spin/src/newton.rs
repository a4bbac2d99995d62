//! Newton's method for concave functions of a few parameters.

/// A concave function at a point.
#[derive(Clone, Debug, PartialEq)]
pub struct Concave {
    /// Its value.
    pub value: f64,
    /// Its gradient.
    pub gradient: Vec<f64>,
    /// **Minus** its Hessian, row-major.
    pub curvature: Vec<f64>,
}

/// Where the search ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Maximum {
    /// Parameters.
    pub theta: Vec<f64>,
    /// The function there.
    pub value: f64,
    /// The largest derivative there, in absolute value.
    pub largest_derivative: f64,
    /// Newton steps taken.
    pub iterations: u64,
    /// Whether a step no longer promised a gain above 1e-10 of the value. Where data allow an infinite parameter it does not
    /// come to that.
    pub converged: bool,
}

impl Concave {
    /// Zero.
    pub fn zero(n: usize) -> Self {
        Self { value: 0.0, gradient: vec![0.0; n], curvature: vec![0.0; n * n] }
    }

    /// `self += factor * other`.
    pub fn add(&mut self, other: &Self, factor: f64) {
        self.value += factor * other.value;
        let sum = |to: &mut [f64], x: &[f64]| to.iter_mut().zip(x).for_each(|(t, x)| *t += factor * x);
        sum(&mut self.gradient, &other.gradient);
        sum(&mut self.curvature, &other.curvature);
    }

    /// Adds the derivatives of `weight * log p(own)`, where `p(a) prop exp(theta . s_a)` and row `a` of `s` is `s_a`.
    pub fn add_softmax(&mut self, p: &[f64], s: &[f64], own: usize, weight: f64) {
        let n = self.gradient.len();
        let mut mean = vec![0.0; n];
        for (p, s) in p.iter().zip(s.chunks_exact(n)) {
            mean.iter_mut().zip(s).for_each(|(m, s)| *m += p * s);
        }
        for (g, (s, m)) in self.gradient.iter_mut().zip(s[own * n..].iter().zip(&mean)) {
            *g += weight * (s - m);
        }
        for (p, s) in p.iter().zip(s.chunks_exact(n)) {
            let off = || s.iter().zip(&mean).map(|(s, m)| s - m);
            for (row, a) in self.curvature.chunks_exact_mut(n).zip(off()) {
                row.iter_mut().zip(off()).for_each(|(c, b)| *c += weight * p * a * b);
            }
        }
    }
}

/// Climbs from `theta`, halving steps that do not climb. Directions without curvature are left alone.
///
/// # Errors
/// Those of `at`.
pub fn maximise<E>(mut theta: Vec<f64>, at: impl Fn(&[f64]) -> Result<Concave, E>) -> Result<Maximum, E> {
    let mut here = at(&theta)?;
    let largest = |c: &Concave| c.gradient.iter().fold(0f64, |m, g| m.max(g.abs()));
    for iterations in 0..100 {
        let step = solve(&here.curvature, &here.gradient);
        let promised: f64 = step.iter().zip(&here.gradient).map(|(s, g)| s * g).sum();
        let done = promised <= 1e-10 * here.value.abs().max(1e-300);
        let mut length = 1.0;
        let next = loop {
            let tried: Vec<f64> = theta.iter().zip(&step).map(|(t, s)| t + length * s).collect();
            let there = at(&tried)?;
            if there.value >= here.value {
                break Some((tried, there));
            }
            length *= 0.5;
            if length < 1e-8 {
                break None;
            }
        };
        // The last step is taken too: it costs no more, and squares the error.
        let stuck = next.is_none();
        if let Some((tried, there)) = next {
            (theta, here) = (tried, there);
        }
        if done || stuck {
            let (value, largest_derivative) = (here.value, largest(&here));
            return Ok(Maximum { theta, value, largest_derivative, iterations: iterations + 1, converged: done });
        }
    }
    let (value, largest_derivative) = (here.value, largest(&here));
    Ok(Maximum { theta, value, largest_derivative, iterations: 100, converged: false })
}

/// `A^-1 b` of a symmetric matrix without negative eigenvalues, by Cholesky's decomposition; where a pivot is zero, so is
/// the result.
fn solve(a: &[f64], b: &[f64]) -> Vec<f64> {
    let n = b.len();
    let (mut l, mut x) = (vec![0.0; n * n], b.to_vec());
    let over = |value: f64, pivot: f64| if pivot > 0.0 { value / pivot } else { 0.0 };
    for i in 0..n {
        for j in 0..i {
            let dot: f64 = (0..j).map(|k| l[i * n + k] * l[j * n + k]).sum();
            l[i * n + j] = over(a[i * n + j] - dot, l[j * n + j]);
        }
        let rest = a[i * n + i] - (0..i).map(|k| l[i * n + k].powi(2)).sum::<f64>();
        l[i * n + i] = if rest > 1e-12 * a[i * n + i] { rest.sqrt() } else { 0.0 };
    }
    for i in 0..n {
        let dot: f64 = (0..i).map(|k| l[i * n + k] * x[k]).sum();
        x[i] = over(x[i] - dot, l[i * n + i]);
    }
    for i in (0..n).rev() {
        let dot: f64 = (i + 1..n).map(|k| l[k * n + i] * x[k]).sum();
        x[i] = over(x[i] - dot, l[i * n + i]);
    }
    x
}
