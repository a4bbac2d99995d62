//! Data and reference values of posteriordb, where this machine has them.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use gibbs_tensor::energies::{EightSchools, Parameterisation};
use serde_json::Value;

use super::arma::Arma11;
use super::linear::Linear;
use super::model::Model;
use super::schools::Schools;
use super::two_normals::TwoNormals;

/// The posteriors tested here.
pub const NAMES: [&str; 9] = [
    "eight_schools-eight_schools_noncentered",
    "kidiq-kidscore_momiq",
    "kidiq-kidscore_momhsiq",
    "earnings-earn_height",
    "earnings-logearn_height",
    "kilpisjarvi_mod-kilpisjarvi",
    "arK-arK",
    "arma-arma11",
    "low_dim_gauss_mix-low_dim_gauss_mix",
];

/// The folder of posteriordb in that of public data: `GIBBS_DATA`, or `shared/data` beside the repository.
pub fn folder() -> Option<PathBuf> {
    let beside = || Some(Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(3)?.join("shared/data"));
    let data = std::env::var_os("GIBBS_DATA").map(PathBuf::from).or_else(beside)?;
    Some(data.join("posteriordb")).filter(|p| p.is_dir())
}

type Json = BTreeMap<String, Value>;

/// The data of a posterior, whose name is `data-model`.
fn data(folder: &Path, posterior: &str) -> Json {
    let name = posterior.split_once('-').expect("data-model").0;
    let zip = File::open(folder.join(format!("data/{name}.json.zip"))).unwrap();
    let mut archive = zip::ZipArchive::new(zip).unwrap();
    serde_json::from_reader(archive.by_index(0).unwrap()).unwrap()
}

fn numbers(json: &Json, name: &str) -> Vec<f64> {
    json[name].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

/// One moment of every quantity, with its Monte Carlo standard error.
pub struct Moments {
    pub names: Vec<String>,
    pub values: Vec<f64>,
    pub errors: Vec<f64>,
}

/// `kind` is `mean_value` or `mean_squared_value`.
pub fn moments(folder: &Path, kind: &str, posterior: &str) -> Moments {
    let file = File::open(folder.join(kind).join(format!("{posterior}.json"))).unwrap();
    let json: Json = serde_json::from_reader(file).unwrap();
    let names = json["names"].as_array().unwrap().iter().map(|v| v.as_str().unwrap().to_owned()).collect();
    Moments { names, values: numbers(&json, kind), errors: numbers(&json, "mcse_mean") }
}

/// The model of a posterior, with its data.
pub fn model(folder: &Path, posterior: &str) -> Model {
    let json = data(folder, posterior);
    let get = |name: &str| numbers(&json, name);
    let one = |name: &str| json[name].as_f64().unwrap();
    let model = posterior.split_once('-').expect("data-model").1;
    Model(match model {
        "eight_schools_noncentered" | "eight_schools_centered" => {
            let centred = model.ends_with("_centered");
            let p = if centred { Parameterisation::Centred } else { Parameterisation::NonCentred };
            Box::new(Schools(EightSchools::new(&get("y"), &get("sigma"), p).unwrap()))
        }
        "kidscore_momiq" => Box::new(Linear::new(&[get("mom_iq")], &get("kid_score"), &[], Some(2.5))),
        "kidscore_momhsiq" => Box::new(Linear::new(&[get("mom_hs"), get("mom_iq")], &get("kid_score"), &[], Some(2.5))),
        "earn_height" => Box::new(Linear::new(&[get("height")], &get("earn"), &[], None)),
        "logearn_height" => {
            let log: Vec<f64> = get("earn").iter().map(|e| e.ln()).collect();
            Box::new(Linear::new(&[get("height")], &log, &[], None))
        }
        "kilpisjarvi" => {
            let normal = [(one("pmualpha"), one("psalpha")), (one("pmubeta"), one("psbeta"))];
            Box::new(Linear::new(&[get("x")], &get("y"), &normal, None))
        }
        "arK" => {
            let (y, lags) = (get("y"), json["K"].as_u64().unwrap() as usize);
            let columns: Vec<Vec<f64>> = (1..=lags).map(|k| y[lags - k..y.len() - k].to_vec()).collect();
            Box::new(Linear::new(&columns, &y[lags..], &vec![(0.0, 10.0); lags + 1], Some(2.5)))
        }
        "arma11" => Box::new(Arma11 { y: get("y") }),
        "low_dim_gauss_mix" => Box::new(TwoNormals { y: get("y") }),
        other => unreachable!("no model {other}"),
    })
}
