//! Convolution of images and its two adjoints on the calling thread.
//!
//! Images are `[n, h, w, channels]`, kernels `[kh, kw, ci, co]`, both row-major. Each product is a dense one
//! ([`crate::gemm`]) whose left-hand rows are read where they lie in the padded image: no matrix of patches is written,
//! but for very few input channels.
//!
//! With `<u, v>` the sum of products of all numbers, `<forward(x, k), g> = <x, input_adjoint(g, k)> = <k,
//! weight_adjoint(x, g)>`. The relative error is that of sums of as many products in f32. An image's result does not
//! depend on how many there are.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod gather;
mod geometry;
mod scalar;
#[cfg(target_arch = "x86_64")]
mod strip;
#[cfg(test)]
mod tests;

pub use geometry::Geometry;

use std::cell::RefCell;

use crate::gemm::packed::PANEL;
use crate::gemm::{self, Packed};
use crate::level::{Level, level};
use gather::{Padding, Part};

/// Numbers of padded images in work at a time: they stay in the second cache.
const GROUP: usize = 1 << 15;
/// Up to so many input channels the adjoint multiplies by all taps first and adds patches then: a panel of so few columns
/// would be mostly padding.
const FEW_CHANNELS: usize = 4;
/// Up to so many numbers of a run are copied to rows of patches for the gradient of the kernel.
const SHORT_RUN: usize = 16;

/// Scratch of a thread.
#[derive(Default)]
struct Scratch {
    padded: Vec<f32>,
    patches: Vec<f32>,
    from: Vec<usize>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// A kernel ready for [`forward`].
#[derive(Clone, Debug)]
pub struct Filters {
    geometry: Geometry,
    part: Part,
}

impl Filters {
    /// Packs a kernel `[kh, kw, ci, co]`.
    ///
    /// # Panics
    /// If `kernel` has another length.
    pub fn new(geometry: Geometry, kernel: &[f32]) -> Self {
        let mut filters = Self { geometry, part: Part::forward(&geometry) };
        filters.repack(kernel);
        filters
    }

    /// Packs another kernel of the same sizes.
    ///
    /// # Panics
    /// If `kernel` has another length.
    pub fn repack(&mut self, kernel: &[f32]) {
        assert_eq!(kernel.len(), self.geometry.kernel_len(), "kernel of {:?}", self.geometry);
        self.part.repack(&self.geometry, kernel);
    }

    /// The sizes.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }
}

/// A kernel ready for [`input_adjoint`].
#[derive(Clone, Debug)]
pub struct AdjointFilters {
    geometry: Geometry,
    padding: Padding,
    parts: Vec<Part>,
    /// For few input channels, instead of the parts: the transposed kernel, and where windows start.
    all_taps: Packed,
    windows: Vec<usize>,
    scratch: Vec<f32>,
}

impl AdjointFilters {
    /// Packs a kernel `[kh, kw, ci, co]`.
    ///
    /// # Panics
    /// If `kernel` has another length.
    pub fn new(geometry: Geometry, kernel: &[f32]) -> Self {
        let (padding, parts, windows) = if geometry.ci <= FEW_CHANNELS {
            (Padding::input(&geometry), Vec::new(), gather::windows(&geometry))
        } else {
            let (padding, parts) = Part::adjoint(&geometry);
            (padding, parts, Vec::new())
        };
        let (all_taps, scratch) = (Packed::default(), Vec::new());
        let mut filters = Self { geometry, padding, parts, all_taps, windows, scratch };
        filters.repack(kernel);
        filters
    }

    /// Packs another kernel of the same sizes.
    ///
    /// # Panics
    /// If `kernel` has another length.
    pub fn repack(&mut self, kernel: &[f32]) {
        let g = &self.geometry;
        assert_eq!(kernel.len(), g.kernel_len(), "kernel of {g:?}");
        if g.ci <= FEW_CHANNELS {
            // Whole panels: results of a part of one are written number by number.
            let columns = (g.kh * g.kw * g.ci).next_multiple_of(PANEL);
            self.scratch.clear();
            self.scratch.extend_from_slice(kernel);
            self.scratch.resize(columns * g.co, 0.0);
            self.all_taps.repack_transposed(g.co, columns, &self.scratch);
        }
        self.parts.iter_mut().for_each(|part| part.repack_transposed(g, kernel, &mut self.scratch));
    }

    /// The sizes.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }
}

/// `y[., oy, ox, o] = bias[o] + sum_{ky, kx, i} x[., s oy + ky - p, s ox + kx - p, i] k[ky, kx, i, o]` for stride `s` and
/// padding `p`, with zeros outside the image.
///
/// Shapes: `x` `[n, h, w, ci]`, `bias` `[co]`, `y` `[n, oh, ow, co]`.
///
/// # Panics
/// On other shapes.
///
/// # Example
/// ```
/// use gibbs_kernels::conv::{Filters, Geometry, forward};
/// let g = Geometry { h: 3, w: 3, ci: 1, co: 1, kh: 3, kw: 3, stride: 2, pad: 1 };
/// let ones = Filters::new(g, &[1.0; 9]);
/// let mut y = [0.0; 4];
/// forward(1, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0], &ones, None, &mut y);
/// assert_eq!(y, [12.0, 16.0, 24.0, 28.0]);
/// ```
pub fn forward(n: usize, x: &[f32], filters: &Filters, bias: Option<&[f32]>, y: &mut [f32]) {
    forward_on(level(), n, x, filters, bias, y);
}

fn forward_on(on: Level, n: usize, x: &[f32], filters: &Filters, bias: Option<&[f32]>, y: &mut [f32]) {
    let g = &filters.geometry;
    check(g, n, x.len(), y.len());
    assert!(bias.is_none_or(|bias| bias.len() == g.co), "one bias an output channel");
    let parts = std::slice::from_ref(&filters.part);
    products(on, parts, &Padding::input(g), (x, g.input_len()), bias, (y, g.output_len()));
}

/// `dx[., y, x, i] = sum g[., oy, ox, o] k[ky, kx, i, o]` over `s oy + ky - p = y`, `s ox + kx - p = x` and `o`: the
/// gradient of `<forward(x, k), g>` with respect to `x`.
///
/// Shapes: `g` `[n, oh, ow, co]`, `dx` `[n, h, w, ci]`.
///
/// # Panics
/// On other shapes.
///
/// # Example
/// ```
/// use gibbs_kernels::conv::{AdjointFilters, Geometry, input_adjoint};
/// let g = Geometry { h: 1, w: 3, ci: 1, co: 1, kh: 1, kw: 2, stride: 1, pad: 0 };
/// let mut dx = [0.0; 3];
/// input_adjoint(1, &[1.0, 10.0], &AdjointFilters::new(g, &[2.0, 3.0]), &mut dx);
/// assert_eq!(dx, [2.0, 23.0, 30.0]);
/// ```
pub fn input_adjoint(n: usize, g: &[f32], filters: &AdjointFilters, dx: &mut [f32]) {
    input_adjoint_on(level(), n, g, filters, dx);
}

fn input_adjoint_on(on: Level, n: usize, g: &[f32], filters: &AdjointFilters, dx: &mut [f32]) {
    let geometry = &filters.geometry;
    check(geometry, n, dx.len(), g.len());
    if geometry.ci <= FEW_CHANNELS {
        return add_patches(on, filters, g, dx);
    }
    // Classes without taps are zero.
    if filters.parts.iter().map(|part| part.from.len()).sum::<usize>() < geometry.h * geometry.w {
        dx.fill(0.0);
    }
    let lens = (geometry.output_len(), geometry.input_len());
    products(on, &filters.parts, &filters.padding, (g, lens.0), None, (dx, lens.1));
}

/// `dk[ky, kx, i, o] = sum x[., s oy + ky - p, s ox + kx - p, i] g[., oy, ox, o]`, the gradient of `<forward(x, k), g>` with
/// respect to the kernel, on top of what is there if `accumulate`.
///
/// Shapes: `x` `[n, h, w, ci]`, `g` `[n, oh, ow, co]`, `dk` `[kh, kw, ci, co]`.
///
/// # Panics
/// On other shapes.
pub fn weight_adjoint(geometry: &Geometry, n: usize, x: &[f32], g: &[f32], accumulate: bool, dk: &mut [f32]) {
    weight_adjoint_on(level(), geometry, n, (x, g), accumulate, dk);
}

fn weight_adjoint_on(
    on: Level,
    geometry: &Geometry,
    n: usize,
    (x, g): (&[f32], &[f32]),
    accumulate: bool,
    dk: &mut [f32],
) {
    check(geometry, n, x.len(), g.len());
    assert_eq!(dk.len(), geometry.kernel_len(), "kernel of {geometry:?}");
    if !accumulate {
        dk.fill(0.0);
    }
    let Geometry { co, kh, kw, ci, .. } = *geometry;
    let (padding, windows) = (Padding::input(geometry), gather::windows(geometry));
    let (pixels, run) = (windows.len(), kw * ci);
    for_each_group(&padding, x, |first, images, padded, Scratch { patches, from, .. }| {
        from.clear();
        for image in 0..images {
            windows.iter().for_each(|window| from.push(image * padding.len() + window));
        }
        let g = &g[first * pixels * co..][..images * pixels * co];
        for (from, g) in from.chunks(gemm::INNER).zip(g.chunks((gemm::INNER * co).max(1))) {
            if run <= SHORT_RUN {
                let k = kh * run;
                patches.resize(patches.len().max(from.len() * k), 0.0);
                for (from, patch) in from.iter().zip(patches.chunks_exact_mut(k.max(1))) {
                    for (ky, to) in patch.chunks_exact_mut(run).enumerate() {
                        let from = &padded[from + ky * padding.row()..][..run];
                        for_short_run(to, from, |to, from| *to = *from);
                    }
                }
                gemm::add_tn(on, (from.len(), k, co), |i| &patches[i * k..][..k], g, dk);
            } else {
                for (ky, dk) in dk.chunks_mut((run * co).max(1)).enumerate() {
                    let row = |i: usize| &padded[from[i] + ky * padding.row()..][..run];
                    gemm::add_tn(on, (from.len(), run, co), row, g, dk);
                }
            }
        }
    });
}

/// Calls `f` on the numbers of two short runs; three of them, a row of the commonest kernel on one channel, without a loop.
#[inline]
fn for_short_run(to: &mut [f32], from: &[f32], f: impl Fn(&mut f32, &f32)) {
    if let (Ok([a, b, c]), Ok([x, y, z])) = (<&mut [f32; 3]>::try_from(&mut *to), <&[f32; 3]>::try_from(from)) {
        f(a, x);
        f(b, y);
        f(c, z);
    } else {
        to.iter_mut().zip(from).for_each(|(to, from)| f(to, from));
    }
}

fn check(g: &Geometry, n: usize, x: usize, y: usize) {
    assert_eq!(x, n * g.input_len(), "{n} images of {} x {} x {}", g.h, g.w, g.ci);
    assert_eq!(y, n * g.output_len(), "{n} results of {} x {} x {}", g.oh(), g.ow(), g.co);
}

/// All products of `parts` on every image.
fn products(
    on: Level,
    parts: &[Part],
    padding: &Padding,
    (images, image_len): (&[f32], usize),
    bias: Option<&[f32]>,
    (out, out_len): (&mut [f32], usize),
) {
    if image_len == 0 || out_len == 0 {
        let bias = bias.filter(|bias| !bias.is_empty());
        out.iter_mut().enumerate().for_each(|(i, out)| *out = bias.map_or(0.0, |bias| bias[i % bias.len()]));
        return;
    }
    for_each_group(padding, images, |first, n, padded, _| {
        let out = &mut out[first * out_len..][..n * out_len];
        for part in parts {
            // Panels are read by all images of the group while they are in a near cache.
            let panels = if on == Level::Avx512 { 2 } else { 1 };
            for col in (0..part.packed.n()).step_by(panels * PANEL) {
                for (padded, out) in padded.chunks_exact(padding.len()).zip(out.chunks_exact_mut(out_len)) {
                    match on {
                        Level::Scalar if col == 0 => scalar::product(part, padded, bias, out),
                        Level::Scalar => {}
                        #[cfg(target_arch = "x86_64")]
                        // SAFETY: these levels are only found on a processor that has them.
                        Level::Avx2Fma | Level::Avx512 => unsafe {
                            let multiply: unsafe fn(&strip::Strip) =
                                if panels == 2 { avx512::multiply } else { avx2::multiply };
                            strip::product((multiply, panels), part, col, padded, bias, out);
                        },
                        #[cfg(not(target_arch = "x86_64"))]
                        Level::Avx2Fma | Level::Avx512 => unreachable!("not on this processor"),
                    }
                }
            }
        }
    });
}

/// The input adjoint for few channels: `g` times all taps, added window by window into a padded image.
fn add_patches(on: Level, filters: &AdjointFilters, g: &[f32], dx: &mut [f32]) {
    let geometry = &filters.geometry;
    let (pixels, run) = (filters.windows.len(), geometry.kw * geometry.ci);
    let (patch, padding) = (filters.all_taps.n(), &filters.padding);
    SCRATCH.with_borrow_mut(|Scratch { padded, patches, .. }| {
        padded.resize(padding.len().max(padded.len()), 0.0);
        patches.resize((pixels * patch).max(patches.len()), 0.0);
        let (padded, patches) = (&mut padded[..padding.len()], &mut patches[..pixels * patch]);
        for (i, dx) in dx.chunks_exact_mut(geometry.input_len().max(1)).enumerate() {
            let g = &g[i * geometry.output_len()..][..geometry.output_len()];
            gemm::matmul_on(on, pixels, g, &filters.all_taps, None, false, patches);
            padded.fill(0.0);
            for (window, patch) in filters.windows.iter().zip(patches.chunks_exact(patch.max(1))) {
                for (ky, from) in patch.chunks_exact(run).take(geometry.kh).enumerate() {
                    let to = &mut padded[window + ky * padding.row()..][..run];
                    for_short_run(to, from, |to, from| *to += from);
                }
            }
            padding.extract(padded, dx);
        }
    });
}

/// Calls `f` with the first image, the number of images, their padded copies and the rest of the scratch, for groups of
/// images that fit into the second cache.
fn for_each_group(padding: &Padding, images: &[f32], mut f: impl FnMut(usize, usize, &[f32], &mut Scratch)) {
    let len = padding.size.iter().product::<usize>();
    if len == 0 {
        return;
    }
    let n = images.len() / len;
    let group = (GROUP / padding.len()).max(1);
    SCRATCH.with_borrow_mut(|scratch| {
        let mut padded = std::mem::take(&mut scratch.padded);
        padded.clear();
        padded.resize(padding.len() * group.min(n), 0.0);
        for first in (0..n).step_by(group) {
            let count = group.min(n - first);
            let padded = &mut padded[..count * padding.len()];
            padding.fill(&images[first * len..][..count * len], padded);
            f(first, count, padded, scratch);
        }
        scratch.padded = padded;
    });
}
