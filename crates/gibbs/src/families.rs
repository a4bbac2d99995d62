//! Which law is a column of numbers drawn from? Exponential families ranked by their held-out score.

use gibbs_core::key::Key;
use gibbs_core::rows::Continuous;
use gibbs_stats::family::{
    Bernoulli, Beta, Binomial, Exponential, ExponentialFamily, Gamma, Gaussian, Geometric, InverseGamma, Laplace,
    LogNormal, NegativeBinomial, Poisson, Sufficient, VonMises, Weibull,
};
use gibbs_stats::scores::compare;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::progress::Progress;
use crate::report::{Block, Histogram, Level, Lines, Page, Panel, Sample, Section, Series, Table, number};

/// Parts of the cross-validation.
const FOLDS: usize = 5;
/// Resamples of the intervals of parameters.
const RESAMPLES: usize = 200;
/// Rows that intervals and pictures look at, at most.
const ROWS: usize = 20_000;
/// Quantiles of the QQ plot.
const QUANTILES: usize = 99;
/// Draws of the law beside the data.
const DRAWS: usize = 20_000;

/// A parameter with its 95 % bootstrap interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its customary name.
    pub name: String,
    /// Value of largest likelihood on all rows.
    pub value: f64,
    /// Lower end.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
}

/// A family fitted to the column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FittedFamily {
    /// Its name.
    pub family: String,
    /// Mean held-out log-likelihood a row by five-fold cross-validation, nats.
    pub log_likelihood: f64,
    /// Standard error over rows.
    pub std_err: f64,
    /// How far it stands below the best family.
    pub behind: f64,
    /// Standard error of that difference, row by row.
    pub behind_std_err: f64,
    /// Parameters fitted to all rows.
    pub parameters: Vec<Parameter>,
}

/// Families ranked, best first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FamilyReport {
    /// The column.
    pub column: String,
    /// Rows with a value.
    pub n: usize,
    /// Rows without one, left out.
    pub missing: usize,
    /// The families whose support holds every value, best first.
    pub families: Vec<FittedFamily>,
    /// Families that were not fitted, and why.
    pub left_out: Vec<(String, String)>,
    /// Quantiles of the best law and of the data, in pairs.
    pub quantiles: Vec<(f64, f64)>,
    /// In plain words.
    pub verdict: String,
    /// Values shown, and draws of the best law beside them.
    #[serde(skip)]
    pub shown: [Vec<f64>; 2],
}

/// Fits a family to values, weighted or not, and forgets which family it is.
type Fit = dyn Fn(&[f64], Option<&[f64]>) -> Result<Box<dyn Law>, String>;

/// A fitted member of any family.
trait Law {
    fn log_prob(&self, x: f64) -> f64;
    fn parameters(&self) -> Vec<(String, f64)>;
    fn sample(&self, n: usize, key: &Key) -> Vec<f64>;
}

impl<F: ExponentialFamily> Law for F {
    fn log_prob(&self, x: f64) -> f64 {
        ExponentialFamily::log_prob(self, &[x])
    }

    fn parameters(&self) -> Vec<(String, f64)> {
        self.customary()
    }

    fn sample(&self, n: usize, key: &Key) -> Vec<f64> {
        gibbs_core::energy::Distribution::sample(self, n, key).values().to_vec()
    }
}

/// The member of largest likelihood among those that share the constants of `start`.
fn best<F: ExponentialFamily>(start: &F, x: &[f64], weights: Option<&[f64]>) -> Result<F, String> {
    let mut data = Sufficient::new(start);
    data.absorb(start, x, weights).map_err(|e| e.to_string())?;
    start.maximum_likelihood(&data).map_err(|e| e.to_string())
}

/// The same, and its mean log-likelihood.
fn scored<F: ExponentialFamily>(start: &F, x: &[f64], weights: Option<&[f64]>) -> Result<(f64, F), String> {
    let fitted = best(start, x, weights)?;
    let total: f64 = weights.map_or(x.len() as f64, |w| w.iter().sum());
    let at = |i: usize| weights.map_or(1.0, |w| w[i]) * ExponentialFamily::log_prob(&fitted, &x[i..=i]);
    let score = (0..x.len()).map(at).sum::<f64>() / total;
    Ok((score, fitted))
}

/// Searches the constant that a family takes as known, on a logarithmic scale from `low` to `high`: golden section.
fn with_constant<F: ExponentialFamily>(
    member: impl Fn(f64) -> Option<F>,
    (low, high): (f64, f64),
    x: &[f64],
    weights: Option<&[f64]>,
) -> Result<F, String> {
    let none = || "no member of it fits".to_string();
    let at = |log: f64| scored(&member(log.exp()).ok_or_else(none)?, x, weights);
    let (mut a, mut b) = (low.ln(), high.ln());
    let golden = 0.5 * (5f64.sqrt() - 1.0);
    for _ in 0..40 {
        let (left, right) = (b - golden * (b - a), a + golden * (b - a));
        let value = |log: f64| at(log).map_or(f64::NEG_INFINITY, |f| f.0);
        if value(left) > value(right) { b = right } else { a = left }
    }
    at(0.5 * (a + b)).map(|f| f.1)
}

fn boxed<F: ExponentialFamily + 'static>(fitted: Result<F, String>) -> Result<Box<dyn Law>, String> {
    fitted.map(|f| Box::new(f) as Box<dyn Law>)
}

/// The families, each with how it is fitted.
fn families(discrete: bool, x: &[f64]) -> Vec<(&'static str, Box<Fit>)> {
    fn plain<F: ExponentialFamily + 'static>(start: Option<F>) -> Box<Fit> {
        Box::new(move |x, w| boxed(best(start.as_ref().ok_or("no member of it fits")?, x, w)))
    }
    if discrete {
        let trials = x.iter().copied().fold(1.0, f64::max);
        return vec![
            ("Bernoulli", plain(Bernoulli::new(0.5).ok())),
            ("binomial", plain(Binomial::new(trials, 0.5).ok())),
            ("Poisson", plain(Poisson::new(1.0).ok())),
            ("geometric", plain(Geometric::new(0.5).ok())),
            (
                "negative binomial",
                Box::new(|x, w| boxed(with_constant(|r| NegativeBinomial::new(r, 0.5).ok(), (1e-2, 1e4), x, w))),
            ),
        ];
    }
    let mut densities: Vec<(&'static str, Box<Fit>)> = vec![
        ("Gaussian", plain(Some(Gaussian::default()))),
        ("Laplace", Box::new(|x, w| boxed(best(&Laplace::new(median(x, w), 1.0).map_err(|e| e.to_string())?, x, w)))),
        ("log-normal", plain(LogNormal::new(0.0, 1.0).ok())),
        ("exponential", plain(Exponential::new(1.0).ok())),
        ("gamma", plain(Some(Gamma::default()))),
        ("inverse gamma", plain(InverseGamma::new(2.0, 1.0).ok())),
        ("Weibull", Box::new(|x, w| boxed(with_constant(|k| Weibull::new(k, 1.0).ok(), (0.05, 50.0), x, w)))),
        ("beta", plain(Beta::new(1.0, 1.0).ok())),
    ];
    // Angles: a density on the circle says nothing of numbers that wind around it.
    if x.iter().all(|v| v.abs() <= std::f64::consts::PI) {
        densities.push(("von Mises", plain(VonMises::new(0.0, 1.0).ok())));
    }
    densities
}

fn median(x: &[f64], weights: Option<&[f64]>) -> f64 {
    let weight = |i: usize| weights.map_or(1.0, |w| w[i]);
    let mut order: Vec<usize> = (0..x.len()).collect();
    order.sort_by(|&i, &j| x[i].total_cmp(&x[j]));
    let half = 0.5 * (0..x.len()).map(weight).sum::<f64>();
    let mut below = 0.0;
    let middle = order.iter().find(|&&i| {
        below += weight(i);
        below >= half
    });
    middle.map_or(0.0, |&i| x[i])
}

/// Ranks the families that can hold the column: laws of counts where every value is a count, else densities; the von Mises law
/// where every value lies between -pi and pi, as angles do.
///
/// Constants that a family takes as known (the centre of a Laplace law, the shape of a Weibull law, the `r` of a negative
/// binomial law, the trials of a binomial law) are fitted too: by the median, by likelihood, as the largest value.
/// Parameters have 95 % bootstrap intervals (200 resamples of up to 20,000 rows).
///
/// # Errors
/// Too few values, or values that are all the same: with what to do.
pub fn rank(
    column: &str,
    values: &[f64],
    continuous: bool,
    key: &Key,
    progress: &dyn Progress,
) -> Result<FamilyReport, Error> {
    let x: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
    let (n, missing) = (x.len(), values.len() - x.len());
    let refuse = |what: String| Error::Table(format!("column `{column}`: {what}"));
    if n < 2 * FOLDS {
        return Err(refuse(format!("{n} values: at least {} are needed to rank laws", 2 * FOLDS)));
    }
    if let Some(row) = values.iter().position(|v| v.is_infinite()) {
        return Err(refuse(format!("value {} is infinite", row + 1)));
    }
    if x.iter().all(|v| *v == x[0]) {
        return Err(refuse(format!("every value is {}: a constant has no spread to fit", x[0])));
    }
    let discrete = !continuous && x.iter().all(|v| *v >= 0.0 && v.fract() == 0.0);
    let mut fold: Vec<usize> = (0..n).map(|i| i % FOLDS).collect();
    key.block(0).rng().shuffle(&mut fold);
    let candidates = families(discrete, &x);
    progress.begin("families", candidates.len() as u64);
    let (mut fitted, mut left_out) = (Vec::new(), Vec::new());
    for (i, (name, fit)) in candidates.iter().map(|(name, fit)| (name, fit.as_ref())).enumerate() {
        match held_out(fit, &x, &fold).and_then(|losses| Ok((losses, fit(&x, None)?))) {
            Ok((losses, law)) => fitted.push((*name, fit, losses, law)),
            Err(why) => left_out.push(((*name).to_string(), why)),
        }
        progress.advance(i as u64 + 1);
        if progress.stop() {
            return Err(Error::Interrupted);
        }
    }
    progress.end();
    let mean = |v: &[f64]| v.iter().sum::<f64>() / n as f64;
    fitted.sort_by(|a, b| mean(&a.2).total_cmp(&mean(&b.2)));
    let Some((name, _, best, law)) = fitted.first() else {
        let why: Vec<String> = left_out.iter().map(|(f, why)| format!("{f}: {why}")).collect();
        return Err(refuse(format!("no family holds these values ({})", why.join("; "))));
    };
    let shown: Vec<f64> = x.iter().step_by(n.div_ceil(ROWS)).copied().collect();
    let mut ranked = Vec::new();
    for (name, fit, losses, law) in &fitted {
        let c = compare(losses, best, 1).map_err(|e| refuse(e.to_string()))?;
        let spread = losses.iter().map(|l| (l - mean(losses)).powi(2)).sum::<f64>() / (n as f64 - 1.0);
        ranked.push(FittedFamily {
            family: (*name).to_string(),
            log_likelihood: -mean(losses),
            std_err: (spread / n as f64).sqrt(),
            behind: c.difference,
            behind_std_err: c.std_err,
            parameters: parameters(law.as_ref(), *fit, &shown, n, &key.block(1)),
        });
    }
    let drawn = law.sample(DRAWS, &key.block(2));
    let quantiles = quantiles(&shown, &drawn);
    let verdict = verdict(name, &ranked);
    let column = column.to_string();
    Ok(FamilyReport { column, n, missing, families: ranked, left_out, quantiles, verdict, shown: [shown, drawn] })
}

/// Minus the log-likelihood of every row under the law fitted without its fold.
fn held_out(fit: &Fit, x: &[f64], fold: &[usize]) -> Result<Vec<f64>, String> {
    let mut out = vec![0.0; x.len()];
    for k in 0..FOLDS {
        let learn: Vec<f64> = x.iter().zip(fold).filter(|(_, f)| **f != k).map(|(x, _)| *x).collect();
        let law = fit(&learn, None)?;
        (0..x.len()).filter(|i| fold[*i] == k).for_each(|i| out[i] = -law.log_prob(x[i]));
    }
    match out.iter().position(|l| !l.is_finite()) {
        None => Ok(out),
        Some(i) => Err(format!("the value {} is impossible under the law fitted to the others", x[i])),
    }
}

/// Percentile intervals from multinomial weights; those of a part of the rows are scaled to all of them.
fn parameters(law: &dyn Law, fit: &Fit, x: &[f64], n: usize, key: &Key) -> Vec<Parameter> {
    let values = law.parameters();
    let mut draws: Vec<Vec<f64>> = vec![Vec::new(); values.len()];
    for r in 0..RESAMPLES {
        let (mut rng, mut weights) = (key.step(r as u64).rng(), vec![0.0; x.len()]);
        (0..x.len()).for_each(|_| weights[rng.below(x.len())] += 1.0);
        if let Ok(again) = fit(x, Some(&weights)) {
            draws.iter_mut().zip(again.parameters()).for_each(|(d, (_, v))| d.push(v));
        }
    }
    let narrow = (x.len() as f64 / n as f64).sqrt();
    let end = |d: &mut Vec<f64>, value: f64, p: f64| {
        d.sort_by(f64::total_cmp);
        let at = d.get(((d.len() as f64 - 1.0) * p).round() as usize).copied().unwrap_or(f64::NAN);
        value + narrow * (at - value)
    };
    values
        .into_iter()
        .zip(&mut draws)
        .map(|((name, value), d)| Parameter { name, value, lower: end(d, value, 0.025), upper: end(d, value, 0.975) })
        .collect()
}

/// Quantiles of the law and of the data at 1 %, ..., 99 %.
fn quantiles(data: &[f64], law: &[f64]) -> Vec<(f64, f64)> {
    let sorted = |v: &[f64]| {
        let mut v = v.to_vec();
        v.sort_by(f64::total_cmp);
        v
    };
    let (data, law) = (sorted(data), sorted(law));
    let at = |v: &[f64], p: f64| v[((v.len() - 1) as f64 * p).round() as usize];
    (1..=QUANTILES).map(|i| i as f64 / (QUANTILES + 1) as f64).map(|p| (at(&law, p), at(&data, p))).collect()
}

fn verdict(name: &str, ranked: &[FittedFamily]) -> String {
    let close = |f: &&FittedFamily| f.behind <= 2.0 * f.behind_std_err;
    let others: Vec<&str> = ranked[1..].iter().filter(close).map(|f| f.family.as_str()).collect();
    if others.is_empty() {
        format!("The {name} law is best by its held-out likelihood, beyond chance.")
    } else {
        format!("The {name} law is best by its held-out likelihood; {} cannot be told from it.", others.join(", "))
    }
}

/// The report as a page; `source` is the table's name.
pub fn page(report: &FamilyReport, source: &str) -> Page {
    let head = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    let ranking = Table {
        head: head(&["family", "held-out log-likelihood", "std err", "behind the best", "std err"]),
        rows: report
            .families
            .iter()
            .map(|f| {
                let numbers = [f.log_likelihood, f.std_err, f.behind, f.behind_std_err];
                std::iter::once(f.family.clone()).chain(numbers.map(number)).collect()
            })
            .collect(),
    };
    let parameters = Table {
        head: head(&["family", "parameter", "value", "95 % interval"]),
        rows: report
            .families
            .iter()
            .flat_map(|f| f.parameters.iter().map(|p| (f.family.clone(), p)))
            .map(|(f, p)| {
                vec![f, p.name.clone(), number(p.value), format!("{} to {}", number(p.lower), number(p.upper))]
            })
            .collect(),
    };
    let name = report.families.first().map_or(String::new(), |f| f.family.clone());
    let [data, law] = report.shown.clone();
    let histogram = Histogram {
        x_label: report.column.clone(),
        samples: vec![
            Sample { name: "data".into(), values: data },
            Sample { name: format!("draws of the {name} law"), values: law },
        ],
        caption: "The data beside as many draws of the best law as the picture needs.".into(),
    };
    let ends = [report.quantiles.first(), report.quantiles.last()];
    let diagonal = ends.into_iter().flatten().map(|q| (q.0, q.0)).collect();
    let qq = Lines {
        x_label: format!("quantile of the {name} law"),
        panels: vec![Panel {
            y_label: "quantile of the data".into(),
            series: vec![
                Series { name: "1 % to 99 %".into(), points: report.quantiles.clone(), ..Series::default() },
                Series { name: "equal".into(), points: diagonal, ..Series::default() },
            ],
        }],
        marker: None,
        caption: "On the diagonal where data and law agree; above it at the right, the data's tail is the heavier one."
            .into(),
    };
    let mut blocks = vec![Block::Notice(Level::Good, report.verdict.clone()), Block::Table(ranking)];
    if !report.left_out.is_empty() {
        let lines: Vec<String> = report.left_out.iter().map(|(f, why)| format!("{f}: {why}")).collect();
        blocks.push(Block::Folded("Families left out".into(), lines.join("\n")));
    }
    Page {
        title: format!("Laws of {}", report.column),
        subtitle: format!("{source}: {} values, {} missing", report.n, report.missing),
        sections: vec![
            Section { title: "Ranking".into(), blocks },
            Section { title: "Data and law".into(), blocks: vec![Block::Histogram(histogram), Block::Lines(qq)] },
            Section { title: "Parameters".into(), blocks: vec![Block::Table(parameters)] },
        ],
    }
}
