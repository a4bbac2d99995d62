//! Iterated conditional modes.

use super::super::{Field, FieldError, argmax, length};
use super::Convergence;

/// Sets site after site to its best state given its neighbours, until a sweep changes nothing or `max_sweeps` are made. The
/// energy never rises. Starts at `start`, or where every site follows its own field.
///
/// # Errors
/// A start of the wrong length or with a label of `q` or more.
///
/// # Source
/// Besag 1986, "On the statistical analysis of dirty pictures", DOI 10.1111/j.2517-6161.1986.tb01412.x.
pub fn icm(field: &Field, start: Option<&[u8]>, max_sweeps: u64) -> Result<(Vec<u8>, Convergence), FieldError> {
    let (q, n) = (field.n_states(), field.n_sites());
    let mut x: Vec<u8> = match start {
        Some(start) => {
            length("labels", start.len(), n)?;
            if let Some(site) = start.iter().position(|a| usize::from(*a) >= q) {
                return Err(FieldError::Label { row: 0, site, label: start[site], q });
            }
            start.to_vec()
        }
        None => (0..n).map(|i| argmax(field.unary_of(i)) as u8).collect(),
    };
    let (mut weights, mut iterations, mut changed) = (vec![0.0; q], 0, n);
    while changed > 0 && iterations < max_sweeps {
        changed = 0;
        for site in 0..n {
            field.log_weights(&x, site, 1.0, &mut weights);
            let best = argmax(&weights);
            // A draw keeps what is there: else equal states could follow each other for ever.
            if weights[best] > weights[usize::from(x[site])] {
                x[site] = best as u8;
                changed += 1;
            }
        }
        iterations += 1;
    }
    let last_change = changed as f64 / n.max(1) as f64;
    Ok((x, Convergence { iterations, last_change, converged: changed == 0 }))
}
