//! The fully visible Boltzmann machine at its unique optimum on a public set, if its files are here (`GIBBS_DATA`).

use std::path::PathBuf;

use gibbs::core::energy::Energy;
use gibbs::core::key::Key;
use gibbs::core::optimisers::lbfgs::Stop;
use gibbs::core::rows::Rows;
use gibbs::core::scratch::Scratch;
use gibbs::data::{BinariseOption, NamedOptions, Part, Preprocess, named};
use gibbs::spin::{Bits, Boltzmann, boltzmann};

fn part(part: Part) -> Option<Bits> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let data_dir = std::env::var_os("GIBBS_DATA").map(PathBuf::from).or_else(|| beside.exists().then_some(beside));
    let key = Key::from_seed(0);
    let table = named("nltcs", &NamedOptions { data_dir, part, ..NamedOptions::default() }, &key).ok()?;
    let bits = Preprocess::fit(&table, BinariseOption::None).ok()?.apply(&table, &key).ok()?;
    Some(Bits::from_words(bits.n_rows, bits.n_cols, bits.words))
}

fn mean_log_likelihood(model: &Boltzmann, x: &Bits) -> f64 {
    let mut e = vec![0.0; x.n_rows()];
    model.energy(x, &mut e, &mut Scratch::default());
    -e.iter().sum::<f64>() / x.n_rows() as f64 - boltzmann::log_z(model).unwrap()
}

/// Likelihoods and `log Z` of the optimum do not depend on the method; the figures were computed independently of this
/// program, to 1e-6.
#[test]
fn the_optimum_is_reached() {
    let (Some(train), Some(test)) = (part(Part::Train), part(Part::Test)) else {
        eprintln!("skipped: set GIBBS_DATA to a folder that holds debd/nltcs.train.data and .test.data");
        return;
    };
    for (l2, wanted) in [(0.0, [-6.025_468, -6.028_409, 1.940_137]), (1e-3, [-6.038_356, -6.040_379, 2.041_562])] {
        let mut model = Boltzmann::dense(16);
        let stop = Stop { gradient_norm: 1e-5, ..Stop::default() };
        let end = boltzmann::fit(&mut model, &train, None, l2, &stop, |_| true).unwrap();
        assert!(end.converged(), "{end:?}");
        let z = boltzmann::log_z(&model).unwrap();
        let found = [mean_log_likelihood(&model, &train), mean_log_likelihood(&model, &test), z];
        eprintln!(
            "l2 {l2}: train {:.6}, test {:.6}, ln Z {:.6}, {} iterations",
            found[0], found[1], found[2], end.iterations
        );
        for (found, wanted) in found.into_iter().zip(wanted) {
            assert!((found - wanted).abs() < 1e-4, "l2 {l2}: {found} against {wanted}");
        }
    }
}
