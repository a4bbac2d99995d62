//! A row of weight two is a row that is there twice: for the gradient, for the base, and for the likelihood.

use gibbs::config::ObjectiveKind;
use gibbs::fit::fit;
use gibbs::options::FitOptions;
use gibbs::pipeline::plan;
use gibbs::progress::Silent;
use gibbs::run_dir::RunDir;

#[test]
fn weights_count_rows() {
    let dir = tempfile::tempdir().unwrap();
    let fitted = |name: &str, table: &str, weight_column: Option<String>| {
        let path = dir.path().join(format!("{name}.csv"));
        std::fs::write(&path, table).unwrap();
        let options = FitOptions {
            data: Some(path.display().to_string()),
            hidden: Some(2),
            weight_column,
            objective: Some(ObjectiveKind::Exact),
            test_fraction: Some(0.0),
            validation_fraction: Some(0.0),
            batch_size: Some(100),
            epochs: Some(40),
            ..FitOptions::default()
        };
        let plan = plan(&options).unwrap();
        let run = RunDir::create(&dir.path().join(name), false).unwrap();
        fit(&run, &plan.config, &plan.data, false, &Silent).unwrap().train.unwrap().log_likelihood.mean
    };
    let weighted = fitted("weighted", "a,b,c,w\n1,0,1,3\n0,1,1,1\n1,1,0,2\n", Some("w".into()));
    let repeated = fitted("repeated", "a,b,c\n1,0,1\n1,0,1\n1,0,1\n0,1,1\n1,1,0\n1,1,0\n", None);
    let unweighted = fitted("unweighted", "a,b,c\n1,0,1\n0,1,1\n1,1,0\n", None);
    // The base's smoothing knows three rows here and six there, which moves the start of training a little.
    assert!((weighted - repeated).abs() < 0.02, "{weighted} {repeated}");
    assert!((weighted - unweighted).abs() > 0.05, "{weighted} {unweighted}");
}
