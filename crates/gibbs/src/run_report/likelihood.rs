//! The table of likelihoods.

use super::beliefs::sentence;
use crate::fit::FitResult;
use crate::report::{Block, Section, Table, known_to, number, plus_minus};

pub(super) fn section(result: &FitResult, ceiling: Option<f64>) -> Option<Section> {
    let parts = [("train", &result.train), ("validation", &result.validation), ("test", &result.test)];
    let parts: Vec<_> = parts.into_iter().filter_map(|(name, e)| Some((name, e.as_ref()?))).collect();
    let (_, any) = parts.first()?;
    let mut head = vec!["part", "rows", any.quantity(), "std. err.", "95 % interval", "bits / dim"];
    if any.pseudo_log_likelihood.is_some() {
        head.push("pseudo");
    }
    if any.regret.is_some() {
        head.push("regret");
    }
    let rows = parts.iter().map(|(name, e)| {
        let l = &e.log_likelihood;
        let mut row = vec![
            (*name).to_string(),
            e.n.to_string(),
            known_to(l.mean, l.std_err),
            known_to(l.std_err, l.std_err),
            format!("{} to {}", known_to(l.lower, l.std_err), known_to(l.upper, l.std_err)),
            number(e.bits_per_dim),
        ];
        row.extend(e.pseudo_log_likelihood.map(number));
        row.extend(e.regret.map(|r| plus_minus(r.mean, r.std_err)));
        row
    });
    let z = &any.log_z;
    let mut blocks = vec![
        Block::Table(Table { head: head.into_iter().map(String::from).collect(), rows: rows.collect() }),
        Block::Paragraph(format!(
            "Nats a row. log Z = {}, by {}. {}",
            plus_minus(z.value, z.std_err),
            z.method,
            if z.std_err == 0.0 { "It is exact.".into() } else { sentence(&any.direction) + "." }
        )),
    ];
    if let Some(c) = &result.classifier {
        blocks.push(Block::Paragraph(format!(
            "Fine-tuned as a classifier, the net labels a share of {} of {} held-out rows rightly.",
            plus_minus(c.accuracy, c.std_err),
            c.n
        )));
    }
    if let Some(ceiling) = ceiling {
        blocks.push(Block::Paragraph(format!(
            "The data is synthetic: no model can expect more than {} nats a row. The regret, where it is shown, is the \
             mean of log p_true - log p_model on the same rows, in which the luck of their draw cancels.",
            number(ceiling)
        )));
    }
    Some(Section { title: "Likelihood".into(), blocks })
}
