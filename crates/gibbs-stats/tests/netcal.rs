//! Calibration errors, temperature scaling and scores against `golden/netcal.json` (netcal, properscoring; written by
//! `golden/make_netcal.py`).

use gibbs_stats::calibration::{Binning, CalibrationError, Temperature, calibration_error, reliability};
use gibbs_stats::scores::{ClassForecasts, brier, classes, crps, summarise};
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/netcal.json")).unwrap()
}

fn list(v: &Value) -> Vec<f64> {
    v.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn close(found: f64, expected: f64, what: &str) {
    assert!((found - expected).abs() <= 1e-10, "{what}: {found}, golden is {expected}");
}

fn table(g: &Value) -> ClassForecasts {
    let labels: Vec<usize> = list(&g["labels"]).into_iter().map(|y| y as usize).collect();
    ClassForecasts::new(5, &list(&g["probs"]), &labels).unwrap()
}

#[test]
fn calibration_errors() {
    let g = golden();
    let table = table(&g);
    let (event, came) = table.one_class(1);
    for bins in [10, 15] {
        for (name, binning) in [("equal_width", Binning::EqualWidth(bins)), ("equal_mass", Binning::EqualMass(bins))] {
            let wanted = &g[name][bins.to_string()];
            let same = |found: CalibrationError, which: &str| {
                let pair = list(&wanted[which]);
                close(found.ece, pair[0], &format!("{name} {bins} {which} ECE"));
                close(found.mce, pair[1], &format!("{name} {bins} {which} MCE"));
            };
            same(reliability::top_label(&table, binning).unwrap(), "top");
            same(calibration_error(&event, &came, binning).unwrap(), "event");
        }
    }
}

#[test]
fn temperature_scaling() {
    let g = golden();
    let table = table(&g);
    let logits: Vec<f64> = table.rows().flat_map(|(p, _)| p.iter().map(|p| p.ln())).collect();
    let labels: Vec<usize> = table.rows().map(|(_, y)| y).collect();
    let fitted = Temperature::fit(5, &logits, &labels).unwrap();
    let beta = g["temperature"]["beta"].as_f64().unwrap();
    // Finite differences leave theirs at some 1e-8 of the optimum; the likelihood there is flat.
    assert!((fitted.beta() - beta).abs() < 1e-6, "{} {beta}", fitted.beta());
    let of_row = |z: &[f64]| fitted.log_probs(z).unwrap();
    let nll = logits.chunks_exact(5).zip(&labels).map(|(z, y)| -of_row(z)[*y]).sum::<f64>() / labels.len() as f64;
    close(nll, g["temperature"]["nll"].as_f64().unwrap(), "likelihood at the best temperature");
    let rows = list(&g["temperature"]["first_rows"]);
    for (z, wanted) in logits.chunks_exact(5).zip(rows.chunks_exact(5)) {
        let scaled = gibbs_stats::softmax::softmax(z, beta).unwrap();
        scaled.iter().zip(wanted).for_each(|(p, w)| close(*p, *w, "scaled probability"));
    }
}

#[test]
fn scores() {
    let g = golden();
    let table = table(&g);
    let spherical = summarise(&table.scores(classes::spherical)).unwrap().mean;
    close(spherical, g["spherical"].as_f64().unwrap(), "spherical score");
    let (event, came) = table.one_class(1);
    let score = brier::decompose(&event, &came, Some(10)).unwrap().score;
    close(score, g["brier_event"].as_f64().unwrap(), "Brier score of an event");
    let (draws, y) = (list(&g["draws"]), list(&g["y"]));
    for (i, y) in y.iter().enumerate() {
        let found = crps::samples(&draws[9 * i..9 * i + 9], *y).unwrap();
        close(found, list(&g["crps_ensemble"])[i], "CRPS of draws");
        close(crps::normal(0.3, 1.7, *y), list(&g["crps_normal"])[i], "CRPS of a normal law");
    }
}
