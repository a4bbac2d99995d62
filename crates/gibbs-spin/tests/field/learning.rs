use gibbs_core::kernel::Kernel;
use gibbs_core::key::Key;
use gibbs_core::path::{Annealable, Geometric};
use gibbs_core::samplers::HeatBath;
use gibbs_core::scratch::Scratch;
use gibbs_spin::field::{Enumeration, IndependentSites, Labels, Pair, Tied};
use gibbs_spin::graph::{Connectivity, Graph};
use gibbs_testkit::check_gradient;

fn tied(h: usize, w: usize, q: usize) -> Tied {
    let (graph, kinds) = Graph::picture(h, w, Connectivity::Eight).unwrap();
    Tied::new(graph, q, &Pair::Potts, kinds).unwrap()
}

fn rows(tied: &Tied, theta: &[f64], n: usize) -> Labels {
    let field = tied.field(theta).unwrap();
    let path = Geometric { base: IndependentSites::uniform(&field), target: field };
    let ws = &mut Scratch::default();
    let mut chain = HeatBath.init(&path, path.sample_base(n, &Key::from_seed(1)), ws);
    (0..60).for_each(|t| HeatBath.step(&path, 1.0, &(), &mut chain, &Key::from_seed(2).step(t), ws));
    chain.x
}

#[test]
fn gradients_are_those_of_finite_differences() {
    let (tied, theta) = (tied(2, 3, 3), [0.4, -0.3, 0.2, -0.6]);
    let x = rows(&tied, &theta, 5);
    let pseudo = |t: &[f64]| tied.pseudo_log_likelihood(t, &x).unwrap();
    let exact = |t: &[f64]| tied.log_likelihood(t, &x).unwrap();
    check_gradient(|t| pseudo(t).value, &theta, &pseudo(&theta).gradient).unwrap();
    check_gradient(|t| exact(t).value, &theta, &exact(&theta).gradient).unwrap();
    for k in 0..4 {
        let row = |c: Vec<f64>| c[4 * k..4 * k + 4].iter().map(|v| -v).collect::<Vec<_>>();
        check_gradient(|t| pseudo(t).gradient[k], &theta, &row(pseudo(&theta).curvature)).unwrap();
        check_gradient(|t| exact(t).gradient[k], &theta, &row(exact(&theta).curvature)).unwrap();
    }
    // Planted: the likelihood's gradient is not the pseudo-likelihood's.
    assert!(check_gradient(|t| pseudo(t).value, &theta, &exact(&theta).gradient).is_err());
    // The likelihood itself, from the sum over states.
    let log_z = Enumeration::new(&tied.field(&theta).unwrap()).unwrap().log_z;
    let energy: f64 = (0..5).map(|r| tied.field(&theta).unwrap().energy_of(x.row(r))).sum::<f64>() / 5.0;
    assert!((exact(&theta).value + energy + log_z).abs() < 1e-10);
}

/// Both estimators are consistent. Their errors from 4000 rows of 9 sites stay below 0.03 (the likelihood's, from its own
/// curvature, is 0.011 for the coupling); 0.12 is four of that and half of what is to be found.
#[test]
fn parameters_are_found_again() {
    let (tied, theta) = (tied(3, 3, 2), [0.5, 0.25, -0.4]);
    let x = rows(&tied, &theta, 4000);
    for fit in [tied.fit_pseudo_likelihood(&x).unwrap(), tied.fit_likelihood(&x).unwrap()] {
        assert!(fit.converged && fit.largest_derivative < 1e-6, "{fit:?}");
        for (found, wanted) in fit.theta.iter().zip(&theta) {
            assert!((found - wanted).abs() < 0.12, "{fit:?}");
        }
    }
    // The maximum of the likelihood has the data's own statistics, and no other parameters are better.
    let best = tied.fit_likelihood(&x).unwrap();
    assert!(best.value >= tied.log_likelihood(&theta, &x).unwrap().value);
    assert!(tied.fit_likelihood(&Labels::zeros(2, 3, 4)).is_err());
    assert!(tied.field(&[0.1]).is_err() && tied.field(&[f64::NAN, 0.0, 0.0]).is_err());
}
