//! The table of likelihoods.

use super::beliefs::sentence;
use crate::fit::FitResult;
use crate::report::{Block, Section, Table, number};

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
            number(l.mean),
            number(l.std_err),
            format!("{} to {}", number(l.lower), number(l.upper)),
            number(e.bits_per_dim),
        ];
        row.extend(e.pseudo_log_likelihood.map(number));
        row.extend(e.regret.map(|r| format!("{} \u{b1} {}", number(r.mean), number(r.std_err))));
        row
    });
    let z = &any.log_z;
    let mut blocks = vec![
        Block::Table(Table { head: head.into_iter().map(String::from).collect(), rows: rows.collect() }),
        Block::Paragraph(format!(
            "Nats a row. log Z = {} \u{b1} {}, by {}. {}",
            number(z.value),
            number(z.std_err),
            z.method,
            if z.std_err == 0.0 { "It is exact.".into() } else { sentence(&any.direction) + "." }
        )),
    ];
    if let Some(c) = &result.classifier {
        blocks.push(Block::Paragraph(format!(
            "Fine-tuned as a classifier, the net labels a share of {} \u{b1} {} of {} held-out rows rightly.",
            number(c.accuracy),
            number(c.std_err),
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
