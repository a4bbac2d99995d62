//! Exact draws against the enumerated marginal.

mod common;

use common::{Brute, small_rbm};
use gibbs_core::key::Key;
use gibbs_core::log_partition::LogZError;
use gibbs_core::rows::Rows;
use gibbs_spin::Rbm;
use gibbs_spin::rbm::ExactDraws;
use gibbs_testkit::chi_square_test;

/// Both layers as the smaller one: counts of all visible states follow their probabilities.
#[test]
fn draws_have_the_enumerated_frequencies() {
    for (nv, nh) in [(6, 3), (3, 6)] {
        let model = small_rbm(nv, nh, 1.0, 4);
        let n = 20_000;
        let x = ExactDraws::new(&model).unwrap().sample(n, &Key::from_seed(2));
        let state = |r: usize| (0..nv).map(|k| usize::from(x.get(r, k)) << k).sum::<usize>();
        let mut counts = vec![0u64; 1 << nv];
        (0..x.n_rows()).for_each(|r| counts[state(r)] += 1);
        chi_square_test(&counts, &Brute::new(&model).marginal(), 1e-4).unwrap();
        // Planted: draws of the model with other biases do not pass.
        assert!(chi_square_test(&counts, &Brute::new(&small_rbm(nv, nh, 1.0, 5)).marginal(), 1e-4).is_err());
    }
}

#[test]
fn a_large_layer_is_refused() {
    let model = Rbm::zeros(30, 30);
    assert_eq!(ExactDraws::new(&model).unwrap_err(), LogZError::TooLarge { bits: 30, limit: ExactDraws::LIMIT });
    assert_eq!(small_rbm(5, 3, 1.0, 0).transposed().transposed(), small_rbm(5, 3, 1.0, 0));
}
