//! The plain twin.

use super::gather::Part;

pub(super) fn product(part: &Part, padded: &[f32], bias: Option<&[f32]>, out: &mut [f32]) {
    for (from, to) in part.from.iter().zip(&part.to) {
        for j in 0..part.packed.n() {
            let mut sum = 0.0;
            for run in 0..part.runs {
                let a = &padded[from + run * part.run_stride..][..part.run_len];
                sum += a.iter().enumerate().map(|(p, a)| a * part.packed.get(run * part.run_len + p, j)).sum::<f32>();
            }
            out[to + j] = sum + bias.map_or(0.0, |bias| bias[j]);
        }
    }
}
