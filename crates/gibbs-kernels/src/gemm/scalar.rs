//! The plain twin.

use super::Packed;

pub(super) fn matmul(a: &[f32], b: &Packed, bias: Option<&[f32]>, accumulate: bool, c: &mut [f32]) {
    let (k, n) = (b.k(), b.n());
    for (i, c) in c.iter_mut().enumerate() {
        let (i, j) = (i / n, i % n);
        let sum: f32 = (0..k).map(|p| a[i * k + p] * b.get(p, j)).sum();
        *c = sum + bias.map_or(0.0, |bias| bias[j]) + if accumulate { *c } else { 0.0 };
    }
}

pub(super) fn add_tn<'a>((m, k, n): (usize, usize, usize), row: impl Fn(usize) -> &'a [f32], g: &[f32], c: &mut [f32]) {
    for (p, c) in c.chunks_exact_mut(n.max(1)).enumerate().take(k) {
        for (j, c) in c.iter_mut().enumerate() {
            *c += (0..m).map(|i| row(i)[p] * g[i * n + j]).sum::<f32>();
        }
    }
}
