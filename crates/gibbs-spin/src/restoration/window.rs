//! Sweeps under a prior of 24 neighbours, pixel by pixel.
//!
//! Twenty-four neighbours of several couplings have too many sums for a table. What the neighbours of a pixel say is kept for every
//! pixel instead, and renewed where one turns over, which few do in a sweep. So the probabilities of a row are computed at once, and
//! again for the two pixels behind one that turns over. Bands of rows that do not touch are swept side by side.

use gibbs_core::key::Key;
use gibbs_kernels::activation::sigmoid;
use gibbs_kernels::multispin::picture::Picture;
use gibbs_kernels::rng::Lanes;
use rayon::prelude::*;

use super::Restoration;
use crate::graph::Connectivity;

/// Rows that draw from one stream: the unit of threads, and part of the results.
const BAND: usize = 16;
/// Rows above the first, so that a band lies in the middle of the rows it may change.
const ABOVE: usize = BAND / 2;
/// Rows and columns that a neighbour is away at most.
const REACH: usize = 2;

/// By rows and columns away.
type Couplings = [[f32; 2 * REACH + 1]; 2 * REACH + 1];

/// A picture in the course of its sweeps.
pub(super) struct Window {
    height: usize,
    width: usize,
    /// Spins 0 and 1, with a rim of zeros that nobody reads.
    spins: Vec<u8>,
    /// What was seen.
    seen: Vec<u8>,
    /// `sum_j J_ij x_j`, kept up to date; rounding moves it by some 1e-5 in a thousand sweeps.
    near: Vec<f32>,
    /// The probabilities by which the spins were last decided.
    up: Vec<f32>,
    couplings: Couplings,
    /// Bias plus the field of what was seen, for either value.
    fields: [f32; 2],
}

impl Window {
    pub(super) fn new(posterior: &Restoration, x: &Picture, seen: &Picture) -> Self {
        let (height, width) = (x.height(), x.width());
        let stride = width + 2 * REACH;
        let len = (height + 2 * ABOVE) * stride;
        let mut couplings = [[0.0; 2 * REACH + 1]; 2 * REACH + 1];
        for &(down, right, kind) in Connectivity::TwentyFour.steps() {
            for sign in [1, -1] {
                let at = |by: isize| (sign * by + REACH as isize) as usize;
                couplings[at(down as isize)][at(right)] = posterior.prior.couplings()[usize::from(kind)] as f32;
            }
        }
        let fields = [-1.0, 1.0].map(|y| (posterior.prior.bias + y * posterior.flips.field()) as f32);
        let (none, zero) = (vec![0; len], vec![0.0; len]);
        let mut window =
            Self { height, width, spins: none.clone(), seen: none, near: zero.clone(), up: zero, couplings, fields };
        x.for_each(|i, j, bit| {
            let at = window.place(i, j);
            window.spins[at] = u8::from(bit);
            add(&mut window.near, at, stride, &couplings, if bit { 1.0 } else { -1.0 });
        });
        seen.for_each(|i, j, bit| {
            let at = window.place(i, j);
            window.seen[at] = u8::from(bit);
        });
        window
    }

    fn stride(&self) -> usize {
        self.width + 2 * REACH
    }

    fn place(&self, i: usize, j: usize) -> usize {
        (i + ABOVE) * self.stride() + REACH + j
    }

    /// One heat-bath sweep at inverse temperature `beta`: every second band, then the others.
    pub(super) fn sweep(&mut self, beta: f64, key: &Key) {
        let (width, stride, key, scale) = (self.width, self.stride(), key.bits(), 2.0 * beta as f32);
        let (couplings, fields) = (self.couplings, self.fields);
        for parity in 0..2 {
            // The rows of a band with half a band around it.
            let (from, chunk) = (parity * BAND * stride, 2 * BAND * stride);
            let last = (self.height + ABOVE).saturating_sub(parity * BAND);
            if from >= self.spins.len() {
                continue;
            }
            let chunks = self.spins[from..].par_chunks_mut(chunk).zip(self.near[from..].par_chunks_mut(chunk));
            let chunks = chunks.zip(self.up[from..].par_chunks_mut(chunk)).zip(self.seen[from..].par_chunks(chunk));
            chunks.enumerate().for_each(|(band, (((spins, near), up), seen))| {
                let mut lanes = Lanes::new(key, (2 * band + parity) as u64);
                let (mut field, mut numbers) = (vec![0.0; width], vec![0; width.next_multiple_of(8)]);
                let rows = ABOVE..(ABOVE + BAND).min(last.saturating_sub(2 * BAND * band));
                for first in rows.map(|row| row * stride + REACH) {
                    let row = first..first + width;
                    let of = |near: f32, seen: u8| near + if seen == 1 { fields[1] } else { fields[0] };
                    let near_and_seen = near[row.clone()].iter().zip(&seen[row.clone()]);
                    field.iter_mut().zip(near_and_seen).for_each(|(f, (near, seen))| *f = of(*near, *seen));
                    sigmoid(scale, &field, &mut up[row.clone()]);
                    numbers.as_chunks_mut().0.iter_mut().for_each(|eight| *eight = lanes.next_u32s());
                    for (at, number) in row.clone().zip(&numbers) {
                        let spin = u8::from(f64::from(*number) + 0.5 < 2f64.powi(32) * f64::from(up[at]));
                        if spin != spins[at] {
                            spins[at] = spin;
                            add(near, at, stride, &couplings, if spin == 1 { 2.0 } else { -2.0 });
                            for next in (at + 1..=at + REACH).filter(|next| row.contains(next)) {
                                sigmoid(scale, &[of(near[next], seen[next])], &mut up[next..=next]);
                            }
                        }
                    }
                }
            });
        }
    }

    /// Adds to `sums`, row by row, the probability of each pixel given its neighbours when it was last decided: its mean over sweeps
    /// is the marginal, and scatters less than that of the spins.
    pub(super) fn add_probabilities(&self, sums: &mut [f64]) {
        for (i, sums) in sums.chunks_exact_mut(self.width.max(1)).enumerate() {
            let up = &self.up[self.place(i, 0)..][..self.width];
            sums.iter_mut().zip(up).for_each(|(s, p)| *s += f64::from(*p));
        }
    }

    pub(super) fn picture(&self) -> Picture {
        Picture::from_fn(self.height, self.width, |i, j| self.spins[self.place(i, j)] == 1)
    }
}

/// Adds what a pixel says, times `by`, to all its neighbours.
fn add(near: &mut [f32], at: usize, stride: usize, couplings: &Couplings, by: f32) {
    for (row, couplings) in couplings.iter().enumerate() {
        let first = at + row * stride - REACH * stride - REACH;
        near[first..=first + 2 * REACH].iter_mut().zip(couplings).for_each(|(n, c)| *n += by * c);
    }
}
