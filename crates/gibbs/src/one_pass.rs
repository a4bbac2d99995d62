//! A law fitted to a column in one pass, whatever the size of the file.
//!
//! An exponential family needs no more of the data than its average sufficient statistics, so a column streams through
//! twenty accumulators: each value goes to one of them, in turn. All of them together give the fit; each left out in turn
//! gives its error (the grouped jackknife), which does not believe the family's own variance.

use std::path::Path;

use gibbs_data::{DataError, ReadOptions, stream_column};
use gibbs_stats::family::{
    Bernoulli, Beta, Binomial, Exponential, ExponentialFamily, FamilyError, Gamma, Gaussian, Geometric, InverseGamma,
    Laplace, LogNormal, NegativeBinomial, Poisson, Sufficient, VonMises, Weibull,
};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::families::Parameter;
use crate::progress::Progress;

/// Groups of the jackknife.
const GROUPS: usize = 20;
/// Two-sided 95 % quantile of Student's law with one degree of freedom less than groups.
const T95: f64 = 2.093_024_054_408_263;
/// Values that go to a group at once, after the first `GROUPS * RUN`, which are dealt one by one.
const RUN: usize = 256;

/// Families of one column that have a maximum-likelihood member in one pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FamilyKind {
    /// Normal: mu, sigma
    Gaussian,
    /// ln x is normal: mu, sigma
    LogNormal,
    /// Rate
    Exponential,
    /// Shape and rate
    Gamma,
    /// 1/x is gamma: shape and scale
    InverseGamma,
    /// On (0, 1): a, b
    Beta,
    /// On the circle: mu, kappa
    VonMises,
    /// About the centre --known: scale
    Laplace,
    /// Of the shape --known: scale
    Weibull,
    /// 0 or 1: p
    Bernoulli,
    /// Out of --known trials: p
    Binomial,
    /// Counts: rate
    Poisson,
    /// Failures before a success: p
    Geometric,
    /// Failures before --known successes: p
    NegativeBinomial,
}

impl FamilyKind {
    /// What the family takes as known, if anything: it is no exponential family in that.
    fn constant(self) -> Option<&'static str> {
        match self {
            Self::Laplace => Some("its centre (a median, say)"),
            Self::Weibull => Some("its shape"),
            Self::Binomial => Some("the number of trials"),
            Self::NegativeBinomial => Some("the number of successes"),
            _ => None,
        }
    }
}

/// A law with the parameters of largest likelihood.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OnePassFit {
    /// The column.
    pub column: String,
    /// The family's name.
    pub family: String,
    /// Rows with a value.
    pub n: u64,
    /// Rows without one, left out.
    pub missing: u64,
    /// Mean log-likelihood a row of the very rows that the law was fitted to, nats.
    pub log_likelihood: f64,
    /// Its standard error.
    pub std_err: f64,
    /// Parameters with 95 % intervals by the grouped jackknife; NaN below 20 rows. A known constant has an interval of no
    /// width.
    pub parameters: Vec<Parameter>,
}

/// Fits a law to a column of a file without holding the column: memory is the same for ten rows and for ten thousand
/// million. Parquet, CSV and TSV stream; see [`stream_column`] for other formats. The result is the same to the bit whatever the file's
/// blocks are.
///
/// `known` is what the family takes as known: the centre of a Laplace law, the shape of a Weibull law, the trials of a
/// binomial and the successes of a negative binomial law.
///
/// # Errors
/// [`Error::Usage`] where `known` is missing or means nothing, [`Error::Data`] for the file, [`Error::Table`] for a value outside
/// the family's support, with its row, or where nothing varies.
///
/// # Source
/// Grouped jackknife: Shao & Tu 1995, DOI 10.1007/978-1-4612-0795-5, section 2.4.
pub fn fit_stream(
    path: &Path,
    column: Option<&str>,
    family: FamilyKind,
    known: Option<f64>,
    options: &ReadOptions,
    progress: &dyn Progress,
) -> Result<OnePassFit, Error> {
    let known = match (family.constant(), known) {
        (None, Some(k)) => return Err(Error::Usage(format!("--known {k}: this family takes nothing as known"))),
        (Some(what), None) => return Err(Error::Usage(format!("this family takes {what} as known: say --known"))),
        (_, k) => k.unwrap_or(1.0),
    };
    let from = Source { path, column, options, progress };
    match family {
        FamilyKind::Gaussian => from.fit(Ok(Gaussian::default())),
        FamilyKind::LogNormal => from.fit(LogNormal::new(0.0, 1.0)),
        FamilyKind::Exponential => from.fit(Exponential::new(1.0)),
        FamilyKind::Gamma => from.fit(Ok(Gamma::default())),
        FamilyKind::InverseGamma => from.fit(InverseGamma::new(2.0, 1.0)),
        FamilyKind::Beta => from.fit(Beta::new(1.0, 1.0)),
        FamilyKind::VonMises => from.fit(VonMises::new(0.0, 1.0)),
        FamilyKind::Laplace => from.fit(Laplace::new(known, 1.0)),
        FamilyKind::Weibull => from.fit(Weibull::new(known, 1.0)),
        FamilyKind::Bernoulli => from.fit(Bernoulli::new(0.5)),
        FamilyKind::Binomial => from.fit(Binomial::new(known, 0.5)),
        FamilyKind::Poisson => from.fit(Poisson::new(1.0)),
        FamilyKind::Geometric => from.fit(Geometric::new(0.5)),
        FamilyKind::NegativeBinomial => from.fit(NegativeBinomial::new(known, 0.5)),
    }
}

struct Source<'a> {
    path: &'a Path,
    column: Option<&'a str>,
    options: &'a ReadOptions,
    progress: &'a dyn Progress,
}

impl Source<'_> {
    fn fit<F: ExponentialFamily>(&self, start: Result<F, FamilyError>) -> Result<OnePassFit, Error> {
        let start = start.map_err(|e| Error::Usage(format!("--known: {e}")))?;
        let mut groups = Groups::new(start);
        // A value outside the support, with its place among all rows.
        let (mut rows, mut fault) = (0u64, None);
        self.progress.begin("rows", 0);
        let streamed = stream_column(self.path, self.column, self.options, &mut |block| {
            let at = |i: usize| groups.start.fault(&block[i..=i]).map(|f| (rows + i as u64, f));
            fault = (0..block.len()).filter(|&i| !block[i].is_nan()).find_map(at);
            if fault.is_some() || self.progress.stop() {
                return Err(DataError::Setting("stopped".into()));
            }
            groups.take(block);
            rows += block.len() as u64;
            self.progress.advance(rows);
            Ok(())
        });
        self.progress.end();
        if self.progress.stop() {
            return Err(Error::Interrupted);
        }
        let name = self.column.map_or("the first column".to_string(), |c| format!("column `{c}`"));
        if let Some((row, f)) = fault {
            return Err(Error::Table(format!(
                "{}: {name}, value {} is {}: {} for the {} family",
                self.path.display(),
                row + 1,
                f.value,
                f.wanted,
                F::NAME
            )));
        }
        let streamed = streamed.map_err(|e| match e.root() {
            DataError::UnknownColumn { .. } => Error::Usage(e.to_string()),
            _ => Error::Data(e),
        })?;
        let refuse = |e: FamilyError| Error::Table(format!("{}: {name}: {e}", self.path.display()));
        groups.finish(streamed.column, streamed.rows).map_err(refuse)
    }
}

/// The accumulators, and values that wait for a full run.
struct Groups<F> {
    start: F,
    sums: Vec<Sufficient>,
    held: Vec<f64>,
    dealt: usize,
    next: usize,
}

impl<F: ExponentialFamily> Groups<F> {
    fn new(start: F) -> Self {
        let sums = vec![Sufficient::new(&start); GROUPS];
        Self { start, sums, held: Vec::new(), dealt: 0, next: 0 }
    }

    /// Takes in values inside the support; those that are missing are left out.
    fn take(&mut self, block: &[f64]) {
        self.held.extend(block.iter().filter(|x| !x.is_nan()));
        let mut at = 0;
        loop {
            let run = if self.dealt < GROUPS * RUN { 1 } else { RUN };
            if self.held.len() - at < run {
                break;
            }
            self.deal(at, run);
            at += run;
        }
        self.held.drain(..at);
    }

    /// Hands values that are held to the next group.
    fn deal(&mut self, at: usize, len: usize) {
        let absorbed = self.sums[self.next].absorb(&self.start, &self.held[at..at + len], None);
        debug_assert!(absorbed.is_ok(), "the support was checked");
        self.dealt += len;
        self.next = (self.next + 1) % GROUPS;
    }

    fn without(&self, left_out: Option<usize>) -> Sufficient {
        let mut all = Sufficient::new(&self.start);
        self.sums.iter().enumerate().filter(|(g, _)| Some(*g) != left_out).for_each(|(_, g)| all.merge(g));
        all
    }

    fn finish(mut self, column: String, rows: u64) -> Result<OnePassFit, FamilyError> {
        if !self.held.is_empty() {
            self.deal(0, self.held.len());
        }
        let all = self.without(None);
        let fitted = self.start.maximum_likelihood(&all)?;
        let parts: Vec<f64> = self.sums.iter().map(|g| fitted.mean_log_prob(g).unwrap_or(f64::NAN)).collect();
        let others: Vec<Vec<(String, f64)>> = (0..GROUPS)
            .filter_map(|g| Some(self.start.maximum_likelihood(&self.without(Some(g))).ok()?.customary()))
            .collect();
        let enough = self.dealt >= GROUPS && others.len() == GROUPS;
        let spread = |values: &mut dyn Iterator<Item = f64>| {
            let values: Vec<f64> = values.collect();
            let mean = values.iter().sum::<f64>() / GROUPS as f64;
            values.iter().map(|v| (v - mean).powi(2)).sum::<f64>()
        };
        let (groups, log_likelihood) = (GROUPS as f64, fitted.mean_log_prob(&all)?);
        let parameter = |(i, (name, value)): (usize, (String, f64))| {
            let std_err = (spread(&mut others.iter().map(|o| o[i].1)) * (groups - 1.0) / groups).sqrt();
            let half = if enough { T95 * std_err } else { f64::NAN };
            Parameter { name, value, lower: value - half, upper: value + half }
        };
        Ok(OnePassFit {
            column,
            family: F::NAME.to_string(),
            n: self.dealt as u64,
            missing: rows - self.dealt as u64,
            log_likelihood,
            std_err: (spread(&mut parts.into_iter()) / (groups - 1.0) / groups).sqrt(),
            parameters: fitted.customary().into_iter().enumerate().map(parameter).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;
    use gibbs_core::energy::Distribution;
    use gibbs_core::key::Key;
    use gibbs_core::rows::Continuous;

    fn csv(values: &[f64]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        gibbs_data::csv::write(std::fs::File::create(file.path()).unwrap(), &["x"], &[values]).unwrap();
        file
    }

    fn fit(values: &[f64], family: FamilyKind, known: Option<f64>) -> Result<OnePassFit, Error> {
        fit_stream(csv(values).path(), Some("x"), family, known, &ReadOptions::default(), &Silent)
    }

    /// One pass and all at once agree, rows without a value left out, and so does the likelihood.
    #[test]
    fn it_is_the_fit_of_the_whole_column() {
        let truth = Gamma::new(2.5, 0.4).unwrap();
        let mut x = truth.sample(20_000, &Key::from_seed(3)).values().to_vec();
        let whole = Gamma::default().fit(&gibbs_core::dense::Dense::from_rows(1, x.clone())).unwrap();
        let mean = x.iter().map(|x| ExponentialFamily::log_prob(&whole, &[*x])).sum::<f64>() / 20_000.0;
        (0..30).for_each(|i| x.insert(617 * i, f64::NAN));
        let found = fit(&x, FamilyKind::Gamma, None).unwrap();
        assert_eq!((found.n, found.missing, found.family.as_str()), (20_000, 30, "gamma"));
        for (p, (name, value)) in found.parameters.iter().zip(whole.customary()) {
            assert!(p.name == name && (p.value - value).abs() < 1e-9, "{p:?} {value}");
        }
        assert!((found.log_likelihood - mean).abs() < 1e-10, "{found:?} {mean}");
    }

    /// The jackknife's error of a mean is sigma / sqrt n, that of sigma is sigma / sqrt(2n), each known to a factor whose square
    /// is chi-square with 19 degrees of freedom over 19: between 0.37 and 2.0 but for a probability of 0.01.
    #[test]
    fn intervals_are_as_wide_as_they_should_be() {
        let x = Gaussian::new(5.0, 2.0).unwrap().sample(50_000, &Key::from_seed(11)).values().to_vec();
        let found = fit(&x, FamilyKind::Gaussian, None).unwrap();
        let root = 50_000f64.sqrt();
        for (p, wanted) in found.parameters.iter().zip([2.0 / root, 2.0 / (2f64.sqrt() * root)]) {
            let ratio = ((p.upper - p.lower) / (2.0 * T95) / wanted).powi(2);
            assert!((0.37..2.0).contains(&ratio), "{p:?} {ratio}");
        }
        // The log-likelihood of a row has variance 1/2 under its own law.
        let ratio = (found.std_err * root).powi(2) / 0.5;
        assert!((0.37..2.0).contains(&ratio), "{ratio}");
    }

    #[test]
    fn constants_are_asked_for() {
        let x: Vec<f64> = (0..400).map(|i| f64::from(i % 7)).collect();
        let found = fit(&x, FamilyKind::Binomial, Some(6.0)).unwrap();
        let p = found.parameters.iter().find(|p| p.name == "p").unwrap();
        assert!((p.value - x.iter().sum::<f64>() / 2_400.0).abs() < 1e-12);
        assert!(found.parameters.iter().any(|p| p.name != "p" && p.lower == 6.0 && p.upper == 6.0), "{found:?}");
        let says = |family, known, words: &str| {
            let e = fit(&x, family, known).unwrap_err().to_string();
            assert!(e.contains(words), "{e}");
        };
        says(FamilyKind::Binomial, None, "--known");
        says(FamilyKind::Poisson, Some(1.0), "--known 1");
        says(FamilyKind::Weibull, Some(-1.0), "--known");
        says(FamilyKind::Binomial, Some(5.0), "value 7 is 6");
        says(FamilyKind::Gamma, None, "value 1 is 0");
    }

    #[test]
    fn few_rows_and_constants() {
        let few = fit(&[1.0, 2.0, 4.0], FamilyKind::Gaussian, None).unwrap();
        assert!(few.parameters[0].lower.is_nan() && (few.parameters[0].value - 7.0 / 3.0).abs() < 1e-14);
        let e = fit(&[3.0; 50], FamilyKind::Gaussian, None).unwrap_err().to_string();
        assert!(e.contains("constant column"), "{e}");
        let e = fit(&[f64::NAN; 3], FamilyKind::Gaussian, None).unwrap_err();
        assert!(matches!(e, Error::Table(_)), "{e}");
    }
}
