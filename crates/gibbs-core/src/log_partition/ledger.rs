//! Finished rounds of a bracket, kept so that a run that was killed goes on after the last of them.

use std::ops::ControlFlow;

use super::ais::check_ladder;

/// What a finished round leaves: all that its interval, and the rounds after it, rest on.
#[derive(Clone, Debug, PartialEq)]
pub struct Finished {
    /// Inverse temperatures, rising from 0 to 1.
    pub ladder: Vec<f64>,
    /// Log weights of `Z / Z_base`, one a chain.
    pub forward: Vec<f64>,
    /// Log weights of `Z_base / Z`: for every starting point, one a chain.
    pub reverse: Vec<Vec<f64>>,
    /// Seconds that the round took.
    pub seconds: f64,
}

impl Finished {
    /// Whether it can be a round with this many starting points; what a file holds need not.
    pub(super) fn fits(&self, starts: usize) -> bool {
        let n = self.forward.len();
        let sides = self.reverse.len() == starts && self.reverse.iter().all(|r| r.len() == n);
        n >= 2 && sides && check_ladder(&self.ladder).is_ok() && self.seconds >= 0.0
    }
}

/// Where finished rounds are kept, by number from 0.
///
/// A [`Bracket`](super::Bracket) asks for every round before it runs it, so that a ledger that outlives the process continues a
/// run, bit for bit: each round draws from a key of its own, and its size follows from the rounds before. (With a limit of
/// time the sizes follow from the clock too; rounds that are kept stay as they are.) One ledger belongs to one run: the same
/// path, kernel, starting points, settings and key.
pub trait Ledger: Sync {
    /// The finished round of this number, if there is one.
    fn recall(&self, round: usize) -> Option<Finished>;

    /// Takes in a finished round; may end the run.
    fn keep(&self, round: usize, finished: &Finished) -> ControlFlow<()>;
}

/// Keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Forgetful;

impl Ledger for Forgetful {
    fn recall(&self, _: usize) -> Option<Finished> {
        None
    }

    fn keep(&self, _: usize, _: &Finished) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use super::*;
    use crate::dense::Dense;
    use crate::energy::{Distribution, Energy};
    use crate::key::Key;
    use crate::log_partition::{Bracket, Certificate, Starts};
    use crate::path::Bridge;
    use crate::rows::Continuous;
    use crate::samplers::RandomWalk;
    use crate::scratch::Scratch;

    struct Normal {
        mean: f64,
        log_z: f64,
    }

    impl Energy for Normal {
        type X = Dense<f64>;

        fn energy(&self, x: &Dense<f64>, out: &mut [f64], _: &mut Scratch) {
            out.iter_mut().zip(x.values()).for_each(|(o, x)| *o = 0.5 * (x - self.mean).powi(2) + self.log_z);
        }
    }

    impl Distribution for Normal {
        fn sample(&self, n: usize, key: &Key) -> Dense<f64> {
            let mut rng = key.rng();
            Dense::from_rows(1, (0..n).map(|_| self.mean + rng.normal()).collect())
        }
    }

    #[derive(Default)]
    struct Memory(Mutex<BTreeMap<usize, Finished>>, usize);

    impl Ledger for Memory {
        fn recall(&self, round: usize) -> Option<Finished> {
            self.0.lock().unwrap().get(&round).cloned()
        }

        fn keep(&self, round: usize, finished: &Finished) -> ControlFlow<()> {
            self.0.lock().unwrap().insert(round, finished.clone());
            if round == self.1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }
    }

    fn run(ledger: &dyn Ledger) -> Result<Certificate, crate::log_partition::LogZError> {
        let model = Normal { mean: 2.5, log_z: 0.0 };
        let base = Normal { mean: 0.0, log_z: 0.5 * std::f64::consts::TAU.ln() };
        let path = Bridge { base, target: &model };
        let bracket = Bracket::new(RandomWalk::new(1.0).unwrap()).reversible();
        let bracket = bracket.starting_with(100, 5).unwrap().until(0.08).unwrap();
        let starts = [Starts::exact("the model", |n, key: &Key| model.sample(n, key))];
        bracket.resume(&path, &starts, &Key::from_seed(2), ledger, &mut |_| ControlFlow::Continue(()))
    }

    /// Ended after each of its rounds in turn, a run goes on to the same bits; kept weights are what it goes on from; and what
    /// cannot be a round is run again.
    #[test]
    fn a_run_goes_on_from_its_finished_rounds() {
        let whole = run(&Forgetful).unwrap();
        assert!(whole.rounds >= 3, "{}", whole.rounds);
        for last in 0..whole.rounds {
            let ended = Memory(Mutex::default(), last);
            assert!(run(&ended).is_err());
            let kept = ended.0.into_inner().unwrap();
            assert_eq!(kept.len(), last + 1);
            assert!(run(&Memory(Mutex::new(kept.clone()), usize::MAX)).unwrap() == whole);
            let mut odd = kept.clone();
            odd.get_mut(&0).unwrap().reverse.clear();
            assert!(run(&Memory(Mutex::new(odd), usize::MAX)).unwrap() == whole);
            if last + 1 == whole.rounds {
                // Planted: the last round is what the certificate rests on.
                let mut other = kept;
                other.get_mut(&last).unwrap().forward[0] += 3.0;
                assert!(run(&Memory(Mutex::new(other), usize::MAX)).unwrap() != whole);
            }
        }
    }
}
