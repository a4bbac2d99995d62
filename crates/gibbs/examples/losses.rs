//! Two facts of training by likelihood, drawn: squared error is the Gaussian negative log-likelihood of a fixed variance, and
//! a sigmoid learns the same from squared error as from cross-entropy, but by another gradient, which vanishes where the
//! sigmoid is sure and wrong.
//!
//! `cargo run --release -p gibbs --example losses -- [PAGE.html] [--quick]`

use std::path::Path;

use gibbs::core::dense::Dense;
use gibbs::core::energy::{Energy, Gradient, Parametric};
use gibbs::core::key::Key;
use gibbs::core::rows::Continuous;
use gibbs::core::scratch::Scratch;
use gibbs::error::Error;
use gibbs::files::write_atomic;
use gibbs::regression::Head;
use gibbs::report::{Block, Lines, Page, Panel, Section, Series};
use gibbs::tensor::tape::{TapeError, Var};
use gibbs::tensor::trace::TapeEnergy;

fn usage(e: &TapeError) -> Error {
    Error::Usage(e.to_string())
}

/// Gradient of a loss of one number at many places.
fn gradient(at: &[f64], loss: impl FnOnce(&Var) -> Var) -> Result<Vec<f64>, Error> {
    let energy = TapeEnergy::<f64>::new(1, &Key::from_seed(0), |x, _| loss(x).sum()).map_err(|e| usage(&e))?;
    let x = Dense::from_rows(1, at.to_vec());
    let (mut e, mut g) = (vec![0.0; at.len()], x.clone());
    energy.energy_grad(&x, &mut e, &mut g, &mut Scratch::default());
    Ok(g.values().to_vec())
}

/// Gradients of Gaussian likelihoods of fixed variance `v`, times `v`, beside half that of squared error: one curve.
fn squared_error(steps: u32) -> Result<Lines, Error> {
    let means: Vec<f64> = (0..=steps).map(|i| 6.0 * f64::from(i) / f64::from(steps) - 3.0).collect();
    let y = 0.5;
    let mut series = Vec::new();
    let squared = gradient(&means, |m| (m - y).square() * 0.5)?;
    for v in [0.25, 1.0, 4.0] {
        let head = Head::Gaussian { beta: 0.0 };
        let nll = gradient(&means, |m| {
            let parameters = m.concat(&[&(m * 0.0 + v)]);
            head.loss(&parameters, &(m * 0.0 + y))
        })?;
        let scaled: Vec<f64> = nll.iter().map(|g| v * g).collect();
        let apart = scaled.iter().zip(&squared).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        println!("variance {v}: gradient of the likelihood times the variance is that of (m - y)^2 / 2 to {apart:.1e}");
        series.push(Series {
            name: format!("likelihood, v = {v}"),
            points: means.iter().copied().zip(nll).collect(),
            ..Series::default()
        });
    }
    series.push(Series {
        name: "(m \u{2212} y)\u{b2} / 2".into(),
        points: means.iter().copied().zip(squared).collect(),
        ..Series::default()
    });
    Ok(Lines {
        x_label: "predicted mean m, where y = 0.5".into(),
        panels: vec![Panel { y_label: "d loss / dm".into(), series }],
        marker: Some((y, "y".into())),
        caption: "One line under three slopes 1/v: a fixed variance sets the step, not the minimum. Only a variance that the \
                  model predicts weighs rows against each other."
            .into(),
    })
}

/// Gradients in the logit of a sigmoid for an event of probability 0.7.
fn sigmoid(steps: u32) -> Result<Lines, Error> {
    let logits: Vec<f64> = (0..=steps).map(|i| 20.0 * f64::from(i) / f64::from(steps) - 10.0).collect();
    let p = 0.7;
    // Expected losses over the event: softplus(z) - p z, and the squared error of both outcomes.
    let cross_entropy = gradient(&logits, |z| z.softplus() - z * p)?;
    let squared = gradient(&logits, |z| {
        let f = z.sigmoid();
        (&f - 1.0).square() * p + f.square() * (1.0 - p)
    })?;
    let model = |z: f64| 1.0 / (1.0 + (-z).exp());
    let apart = logits.iter().zip(&cross_entropy).map(|(z, g)| (g - (model(*z) - p)).abs()).fold(0.0, f64::max);
    println!("gradient of cross-entropy in the logit is p_model - p to {apart:.1e}");
    println!("at logit -10: cross-entropy {:.2e}, squared error {:.2e}", cross_entropy[0], squared[0]);
    let line = |name: &str, g: Vec<f64>| Series {
        name: name.into(),
        points: logits.iter().copied().zip(g).collect(),
        ..Series::default()
    };
    Ok(Lines {
        x_label: "logit of the model".into(),
        panels: vec![Panel {
            y_label: "expected gradient".into(),
            series: vec![line("cross-entropy", cross_entropy), line("squared error", squared)],
        }],
        marker: Some(((p / (1.0 - p)).ln(), "p = 0.7".into())),
        caption: "Both vanish at the true probability, and nowhere else at a finite logit; squared error also fades where the \
                  sigmoid is saturated, on the wrong side too."
            .into(),
    })
}

/// Learning by gradient descent from a logit that is sure and wrong.
fn descent(steps: u32) -> Result<Lines, Error> {
    let run = |squared: bool| -> Result<Vec<(f64, f64)>, Error> {
        let mut energy = TapeEnergy::<f64>::new(1, &Key::from_seed(0), |x, w| {
            let z = w.constant("logit", &[1], -6.0);
            let f = z.sigmoid();
            let loss = if squared { (&f - 1.0).square() * 0.7 + f.square() * 0.3 } else { z.softplus() - &z * 0.7 };
            (x * 0.0 + loss).sum()
        })
        .map_err(|e| usage(&e))?;
        let x = Dense::from_rows(1, vec![0.0]);
        let mut points = Vec::new();
        for step in 0..steps {
            let z = f64::from(energy.params().flat()[0]);
            points.push((f64::from(step), 1.0 / (1.0 + (-z).exp())));
            let mut g = energy.params().zeros_like();
            energy.add_grad(&x, &[1.0], &mut g, &mut Scratch::default());
            energy.params_mut().add_scaled(-1.0, &g);
        }
        let mut e = [0.0];
        energy.energy(&x, &mut e, &mut Scratch::default());
        println!(
            "{} steps of {}: p = {:.4}",
            steps,
            if squared { "squared error" } else { "cross-entropy" },
            points[points.len() - 1].1
        );
        Ok(points)
    };
    Ok(Lines {
        x_label: "step of gradient descent, rate 1".into(),
        panels: vec![Panel {
            y_label: "p of the model".into(),
            series: vec![
                Series { name: "cross-entropy".into(), points: run(false)?, ..Series::default() },
                Series { name: "squared error".into(), points: run(true)?, ..Series::default() },
            ],
        }],
        marker: None,
        caption: "From a logit of \u{2212}6 to p = 0.7: the same end, and a long flat start for squared error.".into(),
    })
}

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let quick = arguments.iter().any(|a| a == "--quick");
    let steps = if quick { 40 } else { 400 };
    let section = |title: &str, lines: Lines| Section { title: title.into(), blocks: vec![Block::Lines(lines)] };
    let page = Page {
        title: "What a loss says".into(),
        subtitle: "Losses as negative log-likelihoods, and their gradients".into(),
        sections: vec![
            section("Squared error is a likelihood of fixed variance", squared_error(steps)?),
            section("Cross-entropy and squared error through a sigmoid", sigmoid(steps)?),
            section("The way from sure and wrong", descent(steps)?),
        ],
    };
    if let Some(path) = arguments.iter().find(|a| !a.starts_with("--")) {
        write_atomic(Path::new(path), page.to_html().as_bytes())?;
        println!("{path}");
    }
    Ok(())
}
