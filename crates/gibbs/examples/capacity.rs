//! Retrieval of random patterns against load, drawn with error bars (`record/hopfield.md`):
//! `cargo run --release -p gibbs --example capacity -- OUT.svg`; `--quick` prints the picture of a small network.

use gibbs::core::key::Key;
use gibbs::report::{Measured, Measurement};
use gibbs::spin::memory::{Rule, Trials, retrieval};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Overlap at the end over the load, one line a network size.
fn curves(sizes: &[usize], networks: usize, queries: usize, loads: &[f64]) -> Result<Measured> {
    let line = |n_spins: &usize| -> Result<Measurement> {
        let trials = Trials { n_spins: *n_spins, networks, queries, noise: 0.0, recalled_from: 0.9 };
        let at = |load: &f64| retrieval(Rule::Hebbian, &trials, *load, &Key::from_seed(1));
        let found: Vec<_> = loads.iter().map(at).collect::<std::result::Result<_, _>>()?;
        for r in &found {
            let (m, s) = (r.overlap, r.recalled);
            eprintln!(
                "N {n_spins} load {:.4}: {:.4} +- {:.4}, {:.3} +- {:.3}",
                r.load, m.mean, m.std_err, s.mean, s.std_err
            );
        }
        let points = found.iter().map(|r| (r.load, r.overlap.mean, r.overlap.std_err)).collect();
        Ok(Measurement { name: format!("N = {n_spins}"), points })
    };
    Ok(Measured {
        x_label: "patterns a spin".into(),
        y_label: "overlap with the pattern".into(),
        series: sizes.iter().map(line).collect::<Result<_>>()?,
        marker: Some((0.138, "theory, N to infinity: 0.138".into())),
        caption:
            "Hebb's rule: overlap of the fixed point with the pattern that recall began at; error bars are standard \
                  errors over networks."
                .into(),
    })
}

fn main() -> Result<()> {
    let loads: Vec<f64> =
        [2, 4, 6, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20, 22, 25].iter().map(|l| 0.01 * f64::from(*l)).collect();
    match std::env::args().nth(1).as_deref() {
        Some("--quick") => println!("{}", curves(&[200], 3, 10, &[0.05, 0.1, 0.15, 0.25])?.to_svg()),
        Some(out) => std::fs::write(out, curves(&[250, 1000, 2000], 8, 64, &loads)?.to_svg())?,
        None => return Err("a file to draw to, or --quick".into()),
    }
    Ok(())
}
