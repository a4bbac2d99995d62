//! Diagnostics against golden values of ArviZ (`golden/make_diagnostics.py` made them).

use gibbs_core::diagnostics::{Draws, DrawsError, Summary, ess, rhat};

#[derive(serde::Deserialize)]
struct Golden {
    arviz: String,
    cases: Vec<Case>,
}

#[derive(serde::Deserialize)]
struct Case {
    name: String,
    n_chains: usize,
    values: Vec<f64>,
    rhat: Option<f64>,
    rhat_split: Option<f64>,
    ess_bulk: f64,
    ess_tail: f64,
    ess_mean: f64,
    mcse: f64,
}

#[test]
fn agree_with_arviz() {
    let golden: Golden = serde_json::from_str(include_str!("golden/diagnostics.json")).unwrap();
    assert!(golden.arviz.starts_with("0.23"));
    for case in golden.cases {
        let x = Draws::new(case.values, case.n_chains).unwrap();
        let summary = Summary::new(&x);
        let close = |what: &str, found: f64, wanted: f64| {
            let error = (found / wanted - 1.0).abs();
            // Both sum a few hundred doubles and take normal quantiles: 1e-9 leaves room for the order of the sums.
            assert!(error < 1e-9, "{} {what}: {found} against {wanted}", case.name);
        };
        if let (Some(rank), Some(split)) = (case.rhat, case.rhat_split) {
            close("rhat", summary.rhat, rank);
            close("split rhat", rhat::split(&x), split);
        }
        close("bulk ESS", summary.ess_bulk, case.ess_bulk);
        close("tail ESS", summary.ess_tail, case.ess_tail);
        close("mean ESS", ess::of_mean(&x), case.ess_mean);
        close("MCSE", summary.mcse, case.mcse);
    }
}

#[test]
fn edges() {
    assert!(matches!(Draws::new(vec![1.0; 7], 2), Err(DrawsError::Shape { .. })));
    assert!(matches!(Draws::new(vec![1.0; 6], 2), Err(DrawsError::Shape { .. })));
    let bad = Draws::new(vec![1.0, 2.0, 3.0, 4.0, 5.0, f64::NAN, 7.0, 8.0], 2);
    assert!(matches!(bad, Err(DrawsError::NotFinite { chain: 1, draw: 1, .. })));
    let still = Summary::new(&Draws::new(vec![2.0; 40], 4).unwrap());
    assert!(still.rhat.is_nan() && !still.mixed());
}
