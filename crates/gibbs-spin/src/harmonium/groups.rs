//! Bits and one-hot groups.

use std::ops::Range;

use gibbs_core::key::Key;
use gibbs_core::params::ParamMap;
use gibbs_core::rows::Rows;
use gibbs_kernels::bit_gemm::{self, Matrix};
use gibbs_kernels::bits;
use rayon::prelude::*;

use super::hidden::{Binary, Rectified};
use super::visible::{BLOCK, Clamp, Proper, Visible, choose, normalised, parameters, softmax};
use crate::Bits;
use crate::rbm::{RbmError, VISIBLE_BIAS, WEIGHTS};

/// Visible units in groups: a group of width 1 is a bit, a group of width `k >= 2` a choice of `k` of which exactly
/// one unit is on. `E_V(v) = -b'v`, `s(v) = v`.
///
/// Bits beside one group of labels make the classification machine of Larochelle & Bengio (see
/// [`super::classes`]); groups alone model tables of categories.
///
/// # Shapes
/// Rows of [`Bits`], the groups side by side; a row with none or two units on in a wide group is outside the model.
///
/// # Source
/// Salakhutdinov, Mnih & Hinton 2007, DOI 10.1145/1273496.1273596, section 2 (softmax visible units).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Groups {
    widths: Vec<usize>,
    n_units: usize,
    classes: Option<usize>,
}

impl Groups {
    /// From the widths of the groups.
    ///
    /// # Errors
    /// [`RbmError::Empty`] if there are none, or one has no unit.
    pub fn new(widths: Vec<usize>) -> Result<Self, RbmError> {
        let n_units = widths.iter().sum();
        if n_units == 0 || widths.contains(&0) {
            return Err(RbmError::Empty { n_visible: 0, n_hidden: 1 });
        }
        Ok(Self { widths, n_units, classes: None })
    }

    /// Marks the group that holds the classes of rows.
    ///
    /// # Panics
    /// If there is no such group.
    #[must_use]
    pub fn with_classes(self, group: usize) -> Self {
        assert!(group < self.widths.len(), "one of {} groups", self.widths.len());
        Self { classes: Some(group), ..self }
    }

    /// The group that holds the classes of rows, if one does.
    pub fn classes(&self) -> Option<usize> {
        self.classes
    }

    /// Widths of the groups.
    pub fn widths(&self) -> &[usize] {
        &self.widths
    }

    /// The units of every group.
    pub fn ranges(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.widths.iter().scan(0, |at, &w| {
            *at += w;
            Some(*at - w..*at)
        })
    }

    /// The units of one group.
    ///
    /// # Panics
    /// If there is no such group.
    pub fn range(&self, group: usize) -> Range<usize> {
        let start: usize = self.widths[..group].iter().sum();
        start..start + self.widths[group]
    }

    /// The first row that is outside the model, and the group that has none or several units on.
    pub fn first_invalid(&self, x: &Bits) -> Option<(usize, usize)> {
        let on = |row: usize, r: Range<usize>| r.filter(|&k| x.get(row, k)).count();
        (0..x.n_rows()).find_map(|row| {
            let bad = |(_, r): &(usize, Range<usize>)| r.len() > 1 && on(row, r.clone()) != 1;
            self.ranges().enumerate().find(bad).map(|(g, _)| (row, g))
        })
    }

    /// States of one group: two of a bit.
    fn states_of(width: usize) -> u64 {
        width.max(2) as u64
    }
}

impl Proper<Binary> for Groups {}
impl Proper<Rectified> for Groups {}

/// `b + wh` of one row, in f64.
fn logits(bias: &[f32], wh: &[f32], out: &mut Vec<f64>) {
    out.clear();
    out.extend(bias.iter().zip(wh).map(|(&b, &x)| f64::from(b) + f64::from(x)));
}

impl Visible for Groups {
    type X = Bits;

    fn n_units(&self) -> usize {
        self.n_units
    }

    fn energy(&self, own: &ParamMap, x: &Bits, out: &mut [f64]) {
        assert_eq!(x.n_cols(), self.n_units, "rows of {} visible units", self.n_units);
        bits::row_dots(x.view(), own.get(VISIBLE_BIAS), out);
        out.iter_mut().for_each(|o| *o = -*o);
    }

    fn project(&self, _own: &ParamMap, x: &Bits, weights: &[f32], n_hidden: usize, out: &mut [f32]) {
        bit_gemm::bit_gemm(x.view(), Matrix::row_major(weights, self.n_units, n_hidden), None, out);
    }

    fn add_outer(&self, _own: &ParamMap, x: &Bits, g: &[f32], n_hidden: usize, out: &mut ParamMap) {
        bit_gemm::bit_gemm_tn(x.view(), g, n_hidden, 1.0, out.get_mut(WEIGHTS), &mut Vec::new());
    }

    fn add_grad(&self, _own: &ParamMap, x: &Bits, w: &[f64], _means: &[f32], _nh: usize, out: &mut ParamMap) {
        let w: Vec<f32> = w.iter().map(|&w| -w as f32).collect();
        let mut sums = vec![0.0; self.n_units];
        bits::column_sums(x.view(), Some(&w), &mut sums);
        out.get_mut(VISIBLE_BIAS).iter_mut().zip(&sums).for_each(|(d, s)| *d += s);
    }

    fn draw(&self, base: &ParamMap, own: &ParamMap, beta: f64, wh: &[f32], key: &Key, x: &mut Bits) {
        let (nv, stride) = (self.n_units, x.stride());
        let (a, b) = (base.get(VISIBLE_BIAS), own.get(VISIBLE_BIAS));
        let one_block = |scratch: &mut Vec<f64>, (block, words): (usize, &mut [u64])| {
            let mut rng = key.block(block as u64).rng();
            for (row, words) in words.chunks_exact_mut(stride).enumerate() {
                let wh = &wh[(block * BLOCK + row) * nv..][..nv];
                scratch.clear();
                scratch.extend(
                    (0..nv).map(|i| (1.0 - beta) * f64::from(a[i]) + beta * (f64::from(b[i]) + f64::from(wh[i]))),
                );
                words.fill(0);
                for r in self.ranges() {
                    let (start, u) = (r.start, rng.uniform());
                    let l = &scratch[r];
                    let on = match l {
                        [bit] => (u < 1.0 / (1.0 + (-bit).exp())).then_some(start),
                        group => Some(start + choose(group, u)),
                    };
                    if let Some(k) = on {
                        words[k / 64] |= 1 << (k % 64);
                    }
                }
            }
        };
        x.words_mut().par_chunks_mut(BLOCK * stride).enumerate().for_each_init(Vec::new, one_block);
    }

    fn log_partition(&self, own: &ParamMap, wh: &[f32], out: &mut [f64]) {
        let mut l = Vec::with_capacity(self.n_units);
        for (o, wh) in out.iter_mut().zip(wh.chunks_exact(self.n_units)) {
            logits(own.get(VISIBLE_BIAS), wh, &mut l);
            *o = self
                .ranges()
                .map(|r| match &mut l[r] {
                    [bit] => bit.max(0.0) + (-bit.abs()).exp().ln_1p(),
                    group => softmax(group),
                })
                .sum();
        }
    }

    fn log_partition_grad(&self, own: &ParamMap, w: &[f32], wh: &mut [f32], out: &mut ParamMap) {
        let mut l = Vec::with_capacity(self.n_units);
        for (wh, &w) in wh.chunks_exact_mut(self.n_units).zip(w) {
            logits(own.get(VISIBLE_BIAS), wh, &mut l);
            for r in self.ranges() {
                match &mut l[r] {
                    [bit] => *bit = 1.0 / (1.0 + (-*bit).exp()),
                    group => _ = softmax(group),
                }
            }
            for ((s, p), d) in wh.iter_mut().zip(&l).zip(out.get_mut(VISIBLE_BIAS)) {
                *s = w * *p as f32;
                *d += *s;
            }
        }
    }

    fn blank(&self, n: usize) -> Bits {
        Bits::zeros(n, self.n_units)
    }

    fn n_states(&self) -> Option<u64> {
        self.widths.iter().try_fold(1u64, |n, &w| n.checked_mul(Self::states_of(w)))
    }

    fn states(&self, start: u64, end: u64) -> Bits {
        let mut x = Bits::zeros((end - start) as usize, self.n_units);
        for (row, mut s) in (start..end).enumerate() {
            for r in self.ranges() {
                let digit = (s % Self::states_of(r.len())) as usize;
                s /= Self::states_of(r.len());
                if r.len() > 1 || digit == 1 {
                    x.set(row, r.start + if r.len() > 1 { digit } else { 0 }, true);
                }
            }
        }
        x
    }

    /// Column means, smoothed as if every state of a group had been seen once more.
    fn fit(&self, x: &Bits, weights: Option<&[f64]>) -> ParamMap {
        let n = x.n_rows() as f64;
        let means = x.column_means(Some(&normalised(x.n_rows(), weights)));
        let mut own = parameters(self);
        let bias = own.get_mut(VISIBLE_BIAS);
        for r in self.ranges() {
            for k in r.clone() {
                let seen = n * means[k] + 1.0;
                let others = if r.len() == 1 { n * (1.0 - means[k]) + 1.0 } else { n + r.len() as f64 };
                bias[k] = (seen / others).ln() as f32;
            }
        }
        own
    }
}

impl Clamp for Groups {
    fn clamp(&self, x: &mut Bits, from: &Bits, known: &[bool]) {
        x.overwrite(from, known);
    }
}
