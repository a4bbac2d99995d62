//! What is predicted of one row.

use gibbs_stats::predictive::Mixture;

/// The forecast of an outcome.
#[derive(Clone, Debug, PartialEq)]
pub enum Forecast {
    /// A law of a number or count.
    Law(Mixture),
    /// Quantiles of a number.
    Quantiles {
        /// Levels, rising.
        levels: Vec<f64>,
        /// A quantile a level, not falling.
        values: Vec<f64>,
    },
    /// Probabilities of classes.
    Classes(Vec<f64>),
}

impl Forecast {
    /// What an ensemble says whose members say these: the mixture of laws and of class probabilities; quantiles are averaged
    /// level by level (Ratcliff 1979, DOI 10.1037/0033-2909.86.3.446).
    ///
    /// # Panics
    /// Without a member, or for members of different heads.
    pub fn pooled(members: Vec<Forecast>) -> Forecast {
        let n = members.len() as f64;
        let mean = |rows: &[Vec<f64>]| -> Vec<f64> {
            (0..rows[0].len()).map(|k| rows.iter().map(|r| r[k]).sum::<f64>() / n).collect()
        };
        let kinds = "members of one head";
        match &members[0] {
            Forecast::Law(_) => Forecast::Law(Mixture::pooled(members.into_iter().map(|m| match m {
                Forecast::Law(law) => law,
                _ => panic!("{kinds}"),
            }))),
            Forecast::Quantiles { levels, .. } => {
                let rows: Vec<Vec<f64>> = members
                    .iter()
                    .map(|m| match m {
                        Forecast::Quantiles { values, .. } => values.clone(),
                        _ => panic!("{kinds}"),
                    })
                    .collect();
                Forecast::Quantiles { levels: levels.clone(), values: mean(&rows) }
            }
            Forecast::Classes(_) => {
                let rows: Vec<Vec<f64>> = members
                    .iter()
                    .map(|m| match m {
                        Forecast::Classes(p) => p.clone(),
                        _ => panic!("{kinds}"),
                    })
                    .collect();
                Forecast::Classes(mean(&rows))
            }
        }
    }

    /// Log probability (density) of an outcome, nats; a class by its number. `None` for quantiles, which have none.
    pub fn log_prob(&self, y: f64) -> Option<f64> {
        match self {
            Forecast::Law(law) => Some(law.log_prob(y)),
            Forecast::Classes(p) => Some(p[y as usize].ln()),
            Forecast::Quantiles { .. } => None,
        }
    }

    /// Loss that decides between forecasts: minus the log probability; for quantiles twice the mean quantile score.
    pub fn loss(&self, y: f64) -> f64 {
        match self {
            Forecast::Quantiles { levels, values } => {
                let score = |(l, q): (&f64, &f64)| (l - f64::from(u8::from(y < *q))) * (y - q);
                2.0 * levels.iter().zip(values).map(score).sum::<f64>() / levels.len() as f64
            }
            _ => -self.log_prob(y).unwrap_or(f64::NAN),
        }
    }

    /// Mean, of quantiles the one nearest the median; NaN for classes, which have none.
    pub fn mean(&self) -> f64 {
        match self {
            Forecast::Law(law) => law.mean(),
            Forecast::Quantiles { .. } => self.quantile(0.5),
            Forecast::Classes(_) => f64::NAN,
        }
    }

    /// Standard deviation; NaN where there is none.
    pub fn sd(&self) -> f64 {
        match self {
            Forecast::Law(law) => law.sd(),
            Forecast::Quantiles { .. } | Forecast::Classes(_) => f64::NAN,
        }
    }

    /// A quantile; where only some levels were learnt, the nearest. NaN for classes.
    pub fn quantile(&self, level: f64) -> f64 {
        match self {
            Forecast::Law(law) => law.quantile(level),
            Forecast::Quantiles { levels, values } => {
                let near = |a: &&(f64, f64), b: &&(f64, f64)| (a.0 - level).abs().total_cmp(&(b.0 - level).abs());
                let pairs: Vec<(f64, f64)> = levels.iter().copied().zip(values.iter().copied()).collect();
                pairs.iter().min_by(near).map_or(f64::NAN, |p| p.1)
            }
            Forecast::Classes(_) => f64::NAN,
        }
    }

    /// The central interval of a level.
    pub fn interval(&self, level: f64) -> (f64, f64) {
        (self.quantile(0.5 - 0.5 * level), self.quantile(0.5 + 0.5 * level))
    }

    /// Probability integral transform with the uniform number `u` for what a forecast leaves open: jumps of counts, and the
    /// stretch between two quantiles. Uniform if calibrated; `None` for classes.
    pub fn transform(&self, y: f64, u: f64) -> Option<f64> {
        match self {
            Forecast::Law(law) => {
                let (low, high) = (law.cdf_below(y), law.cdf(y));
                Some(low + u * (high - low))
            }
            Forecast::Quantiles { levels, values } => {
                let at = values.partition_point(|q| *q < y);
                let low = if at == 0 { 0.0 } else { levels[at - 1] };
                let high = levels.get(at).copied().unwrap_or(1.0);
                Some(low + u * (high - low))
            }
            Forecast::Classes(_) => None,
        }
    }
}
