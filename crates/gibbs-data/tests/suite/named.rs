use gibbs_core::key::Key;
use gibbs_data::{DataError, NamedOptions, Part, SetKind, Values, list, named};

use super::{gz, public_data};

fn load(name: &str, options: &NamedOptions) -> Result<gibbs_data::Table, DataError> {
    named(name, options, &Key::from_seed(0))
}

#[test]
fn digits() {
    let t = load("digits", &NamedOptions::default()).unwrap();
    let Values::U8(cells) = &t.values else { panic!("digits are bytes") };
    assert_eq!((cells.iter().min(), cells.iter().max()), (Some(&0), Some(&16)));
    assert_eq!(&cells[..8], [0, 0, 5, 13, 9, 1, 0, 0]);
    let labels = t.labels.unwrap();
    assert_eq!((labels.len(), &labels[..5]), (1797, [0, 1, 2, 3, 4].as_slice()));
    let ten = load("digits", &NamedOptions { n: Some(10), ..NamedOptions::default() }).unwrap();
    assert_eq!((ten.n_rows, ten.values.len(), ten.labels.map(|l| l.len())), (10, 640, Some(10)));
}

#[test]
fn every_listed_set_loads_or_says_what_it_needs() {
    let empty = tempfile::tempdir().unwrap();
    let options = NamedOptions { data_dir: Some(empty.path().into()), n: Some(20), ..NamedOptions::default() };
    for set in list() {
        match load(set.name, &options) {
            Ok(t) => assert!(set.kind != SetKind::Files && t.n_rows == 20, "{}", set.name),
            Err(e) => {
                assert!(set.kind == SetKind::Files, "{e}");
                let DataError::FilesNotFound { looked_for, .. } = e.root() else { panic!("{e}") };
                assert!(looked_for.iter().all(|p| p.starts_with(empty.path())) && looked_for.len() == 8);
                assert!(e.to_string().contains("--data-dir") && e.to_string().contains("--download"), "{e}");
            }
        }
    }
}

#[test]
fn another_content_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("nltcs.train.data.gz");
    std::fs::write(&file, gz(b"0,1\n1,1\n")).unwrap();
    let e = load("nltcs", &NamedOptions { data_dir: Some(dir.path().into()), ..NamedOptions::default() }).unwrap_err();
    assert!(matches!(e.root(), DataError::Checksum { .. }) && e.to_string().contains("nltcs.train.data.gz"), "{e}");
}

#[test]
fn parameters_of_generators() {
    let error = |name: &str| load(name, &NamedOptions::default()).unwrap_err().to_string();
    assert!(error("parity:bit=3").contains("there is no parameter \"bit\"; parameters (with their defaults): bits=10"));
    assert!(error("ising:side=99").contains("it must be 3 to 8"));
    assert!(error("ising:beta=nan").contains("it must be -2 to 2"));
    assert!(error("shifter:bits=2.5").contains("whole number"));
    assert!(error("parity:bits").contains("NAME=VALUE"));
    assert!(error("parityy:bits=3").contains("did you mean \"parity\"?"));
}

#[test]
fn a_download_that_fails_leaves_nothing() {
    // A file URL that does not exist would need curl; an impossible folder fails before that, on any machine.
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let options = NamedOptions { data_dir: Some(file), download: true, ..NamedOptions::default() };
    assert!(load("mnist", &options).is_err());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn public_sets() {
    let Some(dir) = public_data() else {
        println!("skipped: no folder of public data (set GIBBS_DATA)");
        return;
    };
    let options = |part| NamedOptions { data_dir: Some(dir.clone()), part, ..NamedOptions::default() };
    for (name, first_label) in [("mnist", 5), ("fashion-mnist", 9)] {
        let t = load(name, &options(Part::All)).unwrap();
        assert_eq!((t.n_rows, t.n_cols(), t.shape), (70_000, 784, Some((28, 28))));
        let split = t.suggested_split.clone().unwrap();
        assert_eq!((split.train.len(), split.test[0], split.test.len()), (60_000, 60_000, 10_000));
        assert_eq!(t.labels.unwrap()[0], first_label);
        assert!(matches!(t.values, Values::U8(_)));
    }
    assert_eq!(load("mnist", &options(Part::Test)).unwrap().n_rows, 10_000);
    for set in list().iter().filter(|s| s.kind == SetKind::Files && !s.name.ends_with("mnist")) {
        let t = load(set.name, &options(Part::All)).unwrap();
        assert_eq!(Some((t.n_rows, t.n_cols())), set.size, "{}", set.name);
        assert!(t.suggested_split.is_some_and(|s| s.check(t.n_rows).is_ok() && !s.validation.is_empty()));
        assert!(matches!(&t.values, Values::U8(v) if v.iter().all(|&x| x < 2)));
    }
}
