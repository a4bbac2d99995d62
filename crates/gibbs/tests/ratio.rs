//! The log ratio of two models behind the common interface.

use gibbs::bracket::BracketOptions;
use gibbs::config::LogZMethod;
use gibbs::core::key::Key;
use gibbs::core::log_partition::Verdict;
use gibbs::models::{LogZOptions, Model, QUADRATURE_TOLERANCE, RbmModel};
use gibbs::progress::Silent;
use gibbs::spin::{Bernoulli, Rbm, RbmPath};

fn model(n_visible: usize, n_hidden: usize, seed: u64) -> RbmModel {
    let target = Rbm::random(n_visible, n_hidden, 0.5, &Key::from_seed(seed));
    RbmModel { path: RbmPath::new(Bernoulli::new(vec![0.0; n_visible]), target) }
}

fn exact(model: &RbmModel) -> f64 {
    let how = LogZOptions {
        method: LogZMethod::Exact,
        exact_work: u64::MAX,
        tolerance: QUADRATURE_TOLERANCE,
        n_chains: 2,
        n_temperatures: 1,
        probe: false,
    };
    model.log_z(&how, &Key::from_seed(0), &Silent).unwrap().value
}

/// Exact samples of both: certified, and within five of its errors. 24 hidden units are past the table of exact samples: chains
/// make them, and the verdict is no more than plausible.
#[test]
fn ratios_of_rbms_are_enclosed() {
    for (n_hidden, best) in [(5, Verdict::Certified), (24, Verdict::Plausible)] {
        let (first, second) = (model(30, n_hidden, 1), model(30, n_hidden, 2));
        let truth = exact(&second) - exact(&first);
        let found =
            first.ratio(&second, &BracketOptions::default(), None, &Key::from_seed(3), &Silent).unwrap().unwrap();
        assert!((found.value - truth).abs() < 5.0 * found.std_err, "{} +- {} for {truth}", found.value, found.std_err);
        assert!(found.verdict == best && found.width() <= 0.1, "{:?} {}", found.concerns, found.width());
    }
    assert!(
        model(8, 4, 1).ratio(&model(9, 4, 1), &BracketOptions::default(), None, &Key::from_seed(0), &Silent).is_none()
    );
}
