//! The ratio of two partition functions, from samples of both models and without either `log Z`.

use std::ops::ControlFlow;

use super::verdict::judge;
use super::{Bracket, Certificate, Concern, LogZError, Starts, bracket};
use crate::kernel::Kernel;
use crate::key::{Key, Purpose};
use crate::path::{Annealable, Path, PathGradient};
use crate::scratch::Scratch;

/// A path from one model to another: its base is not normalised, and is sampled as the target is, by whatever samples there
/// are. `log Z` of the base counts as [`Between::offset`], 0 unless said otherwise, so that estimates along the path are those
/// of `log Z_target / Z_base`.
pub struct Between<'a, P: Path> {
    /// From the first model at `beta = 0` to the second at `beta = 1`.
    pub path: P,
    /// Samples of the first.
    pub base: Starts<'a, P::X>,
    /// What is added to the log ratio: the difference of what the path's ends hold beside the models.
    pub offset: f64,
}

impl<'a, P: Path> Between<'a, P> {
    /// From samples of the first model.
    pub fn new(path: P, base: Starts<'a, P::X>) -> Self {
        Self { path, base, offset: 0.0 }
    }

    /// Encloses `log Z_2 - log Z_1`: forward chains start from samples of the first model, reverse ones from `starts`, samples
    /// of the second. Models that are close, such as two checkpoints of a fit, are far closer to each other than to any base, and
    /// the ratio costs a fraction of two brackets.
    ///
    /// Where the first model's samples are approximate, neither end is a bound by construction: it is named among the concerns,
    /// and the verdict is `plausible` at best.
    ///
    /// # Errors
    /// As [`Bracket::estimate`].
    ///
    /// # Source
    /// Bidirectional estimates: Crooks 1999, DOI 10.1103/PhysRevE.60.2721; ratios of models by annealing between them:
    /// Neal 2001, DOI 10.1023/A:1008923215028.
    pub fn ratio<K: Kernel<Self>>(
        &self,
        bracket: &Bracket<K>,
        starts: &[Starts<'_, P::X>],
        key: &Key,
        progress: &mut (dyn FnMut(bracket::Progress<'_>) -> ControlFlow<()> + Send),
    ) -> Result<Certificate, LogZError> {
        Ok(self.admit(bracket.estimate(self, starts, key, progress)?))
    }

    /// An interval of this path's log ratio, with what the samples of the first model take from it: see [`Between::ratio`].
    #[must_use]
    pub fn admit(&self, mut found: Certificate) -> Certificate {
        if !self.base.exact {
            let name = format!("{} of the first model", self.base.name);
            found.concerns.push(Concern::ApproximateStarts { starts: vec![name] });
            found.verdict = judge(&found.concerns);
        }
        found
    }
}

impl<P: Path> Path for Between<'_, P> {
    type X = P::X;
    type Eval = P::Eval;

    fn evaluate(&self, x: &P::X, out: &mut P::Eval, ws: &mut Scratch) {
        self.path.evaluate(x, out, ws);
    }

    fn empty_eval(&self) -> P::Eval {
        self.path.empty_eval()
    }

    fn add_log_weight(&self, x: &P::X, eval: &P::Eval, b0: f64, b1: f64, out: &mut [f64]) {
        self.path.add_log_weight(x, eval, b0, b1, out);
    }

    fn target_energy(&self, x: &P::X, eval: &P::Eval, out: &mut [f64]) {
        self.path.target_energy(x, eval, out);
    }

    fn block_rows(&self) -> usize {
        self.path.block_rows()
    }
}

impl<P: PathGradient> PathGradient for Between<'_, P> {
    fn evaluate_grad(&self, x: &P::X, out: &mut P::Eval, ws: &mut Scratch) {
        self.path.evaluate_grad(x, out, ws);
    }

    fn energy_at(&self, eval: &P::Eval, beta: f64, out: &mut [f64]) {
        self.path.energy_at(eval, beta, out);
    }

    fn grad_at(&self, eval: &P::Eval, beta: f64, out: &mut P::X) {
        self.path.grad_at(eval, beta, out);
    }

    fn grad(&self, x: &P::X, beta: f64, out: &mut P::X, ws: &mut Scratch) {
        self.path.grad(x, beta, out, ws);
    }
}

impl<P: Path> Annealable for Between<'_, P> {
    fn sample_base(&self, n: usize, key: &Key) -> P::X {
        (self.base.draw)(n, &key.purpose(Purpose::Generate))
    }

    fn base_log_z(&self) -> f64 {
        self.offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dense::Dense;
    use crate::energy::{Energy, Gradient};
    use crate::log_partition::Verdict;
    use crate::path::Bridge;
    use crate::rows::Continuous;
    use crate::samplers::Mala;

    /// `(x - mean)^2 / (2 s^2) + level`: `log Z = log(s sqrt(2 pi)) - level`.
    #[derive(Clone, Copy)]
    struct Normal {
        mean: f64,
        s: f64,
        level: f64,
    }

    impl Energy for Normal {
        type X = Dense<f64>;

        fn energy(&self, x: &Dense<f64>, out: &mut [f64], _: &mut Scratch) {
            let one = |x: &f64| 0.5 * ((x - self.mean) / self.s).powi(2) + self.level;
            out.iter_mut().zip(x.values()).for_each(|(o, x)| *o = one(x));
        }
    }

    impl Gradient for Normal {
        fn energy_grad(&self, x: &Dense<f64>, e: &mut [f64], g: &mut Dense<f64>, ws: &mut Scratch) {
            self.energy(x, e, ws);
            let slope = |x: &f64| (x - self.mean) / (self.s * self.s);
            g.values_mut().iter_mut().zip(x.values()).for_each(|(g, x)| *g = slope(x));
        }
    }

    impl Normal {
        fn draws(self, n: usize, key: &Key) -> Dense<f64> {
            let mut rng = key.rng();
            Dense::from_rows(1, (0..n).map(|_| self.mean + self.s * rng.normal()).collect())
        }
    }

    #[test]
    fn two_normals_whose_constants_nobody_knows() {
        let first = Normal { mean: 0.0, s: 1.0, level: 40.0 };
        let second = Normal { mean: 1.0, s: 0.7, level: -3.0 };
        let truth = 0.7f64.ln() + 43.0;
        let draw = |model: Normal, exact: bool| {
            let draw = move |n: usize, key: &Key| model.draws(n, key);
            if exact { Starts::exact("draws", draw) } else { Starts::approximate("draws", draw) }
        };
        let bracket = Bracket::new(Mala::new(0.4).unwrap()).reversible().until(0.2).unwrap();
        let go = &mut |_: bracket::Progress<'_>| ControlFlow::Continue(());
        for exact in [true, false] {
            let between = Between::new(Bridge { base: first, target: second }, draw(first, exact));
            let found = between.ratio(&bracket, &[draw(second, true)], &Key::from_seed(1), go).unwrap();
            assert!(found.lower <= truth && truth <= found.upper && found.width() < 0.2, "{found:?}");
            assert_eq!(found.verdict, if exact { Verdict::Certified } else { Verdict::Plausible });
        }
    }
}
