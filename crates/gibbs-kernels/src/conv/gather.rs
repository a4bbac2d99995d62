//! Rows of a product that lie scattered in an image.
//!
//! In an image with zeros around it the window of an output pixel is one run of `kw ci` contiguous numbers for each row
//! of the kernel. So the left-hand matrix of the product is there already, and a list of first addresses describes it.

use super::Geometry;
use crate::gemm::Packed;

/// An image with zeros around it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Padding {
    /// Rows, columns and numbers a pixel of the image.
    pub(super) size: [usize; 3],
    /// Rows above and columns to the left.
    pub(super) before: [usize; 2],
    /// Rows and columns with the zeros.
    pub(super) padded: [usize; 2],
}

impl Padding {
    /// Padding of the input.
    pub(super) fn input(g: &Geometry) -> Self {
        Self { size: [g.h, g.w, g.ci], before: [g.pad; 2], padded: [g.h + 2 * g.pad, g.w + 2 * g.pad] }
    }

    /// Padding of the output such that all windows that could reach an input pixel are there.
    fn output(g: &Geometry) -> Self {
        let size = [g.oh(), g.ow(), g.co];
        let ends: [[usize; 2]; 2] = std::array::from_fn(|d| {
            let (len, kernel) = ([g.h, g.w][d], [g.kh, g.kw][d]);
            // Input pixel y meets window (y + pad - k) / stride for the taps k that divide it.
            let before = (kernel.max(1) - 1).saturating_sub(g.pad).div_ceil(g.stride);
            let windows = (len.max(1) - 1 + g.pad) / g.stride + 1;
            [before, before + windows.max(size[d])]
        });
        Self { size, before: [ends[0][0], ends[1][0]], padded: [ends[0][1], ends[1][1]] }
    }

    /// Numbers of an image with its zeros.
    pub(super) fn len(&self) -> usize {
        self.padded[0] * self.row()
    }

    /// Numbers of a padded row.
    pub(super) fn row(&self) -> usize {
        self.padded[1] * self.size[2]
    }

    /// Copies images into the middle of padded ones, whose borders are zeros already.
    pub(super) fn fill(&self, images: &[f32], padded: &mut [f32]) {
        self.for_each_row(images.len(), |from, to, len| {
            padded[to..to + len].copy_from_slice(&images[from..from + len]);
        });
    }

    /// Copies the middle of padded images.
    pub(super) fn extract(&self, padded: &[f32], images: &mut [f32]) {
        self.for_each_row(images.len(), |to, from, len| {
            images[to..to + len].copy_from_slice(&padded[from..from + len]);
        });
    }

    /// Calls `f` with the start of each row in images of `len` numbers together and in padded ones, and its length.
    fn for_each_row(&self, len: usize, mut f: impl FnMut(usize, usize, usize)) {
        let [h, w, channels] = self.size;
        let row = w * channels;
        for i in 0..len / (h * row).max(1) {
            for y in 0..h {
                let to = i * self.len() + (self.before[0] + y) * self.row() + self.before[1] * channels;
                f((i * h + y) * row, to, row);
            }
        }
    }
}

/// Where the window of each output pixel starts in the padded input.
pub(super) fn windows(g: &Geometry) -> Vec<usize> {
    let (row, oh, ow) = (Padding::input(g).row(), g.oh(), g.ow());
    let mut starts = Vec::with_capacity(oh * ow);
    for y in 0..oh {
        starts.extend((0..ow).map(|x| y * g.stride * row + x * g.stride * g.ci));
    }
    starts
}

/// A product whose left-hand rows are runs in a padded image, and whose results go to pixels of another image.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    /// Where the first run of a row starts.
    pub(super) from: Vec<usize>,
    /// Where its results go.
    pub(super) to: Vec<usize>,
    /// Runs a row, how long they are, and how far apart.
    pub(super) runs: usize,
    pub(super) run_len: usize,
    pub(super) run_stride: usize,
    /// The right-hand side: `runs * run_len` rows.
    pub(super) packed: Packed,
    /// Kernel rows and columns in the order of the runs.
    taps: Vec<usize>,
}

impl Part {
    /// The forward product, one row an output pixel.
    pub(super) fn forward(g: &Geometry) -> Self {
        let (padding, from) = (Padding::input(g), windows(g));
        let part = Self {
            to: (0..from.len()).map(|pixel| pixel * g.co).collect(),
            from,
            runs: g.kh,
            run_len: g.kw * g.ci,
            run_stride: padding.row(),
            taps: (0..g.kh * g.kw).collect(),
            ..Self::default()
        };
        part.checked(padding.len(), g.output_len(), g.co)
    }

    /// The products of the adjoint, one for each class of input pixels that meet the same taps: those of equal place
    /// within a stride. One row an input pixel.
    pub(super) fn adjoint(g: &Geometry) -> (Padding, Vec<Self>) {
        let padding = Padding::output(g);
        let classes = (0..g.stride.min(g.h)).flat_map(|y| (0..g.stride.min(g.w)).map(move |x| (y, x)));
        let parts = classes.map(|(y0, x0)| {
            // Taps of the class, last first: then the output pixels come in order.
            let [ky, kx] = [(y0, g.kh), (x0, g.kw)].map(|(at, kernel)| {
                (0..kernel).rev().filter(|k| (at + g.pad) % g.stride == k % g.stride).collect::<Vec<_>>()
            });
            let (mut from, mut to) = (Vec::new(), Vec::new());
            if let (Some(ky), Some(kx)) = (ky.first(), kx.first()) {
                for y in (y0..g.h).step_by(g.stride) {
                    for x in (x0..g.w).step_by(g.stride) {
                        // The sums are multiples of the stride, and not negative thanks to the zeros before.
                        let [oy, ox] = [(y, ky, padding.before[0]), (x, kx, padding.before[1])]
                            .map(|(at, k, before)| (at + g.pad + before * g.stride - k) / g.stride);
                        from.push(oy * padding.row() + ox * g.co);
                        to.push((y * g.w + x) * g.ci);
                    }
                }
            }
            let part = Self {
                from,
                to,
                runs: ky.len(),
                run_len: kx.len() * g.co,
                run_stride: padding.row(),
                taps: ky.iter().flat_map(|ky| kx.iter().map(move |kx| ky * g.kw + kx)).collect(),
                ..Self::default()
            };
            part.checked(padding.len(), g.input_len(), g.ci)
        });
        (padding, parts.filter(|part| !part.from.is_empty()).collect())
    }

    /// Every run lies in a padded image and every result in an image.
    fn checked(self, padded: usize, out: usize, cols: usize) -> Self {
        let span = self.run_len + self.run_stride * self.runs.max(1) - self.run_stride;
        assert!(self.from.iter().all(|from| from + span <= padded), "a run beyond the padded image");
        assert!(self.to.iter().all(|to| to + cols <= out), "a result beyond the image");
        self
    }

    /// Packs a kernel as it is.
    pub(super) fn repack(&mut self, g: &Geometry, kernel: &[f32]) {
        self.packed.repack_panels(g.kh * g.kw * g.ci, g.co, kernel);
    }

    /// Packs the transposes of the taps.
    pub(super) fn repack_transposed(&mut self, g: &Geometry, kernel: &[f32], scratch: &mut Vec<f32>) {
        scratch.clear();
        for tap in &self.taps {
            scratch.extend_from_slice(&kernel[tap * g.ci * g.co..][..g.ci * g.co]);
        }
        self.packed.repack_pieces_transposed(self.taps.len(), g.co, g.ci, scratch);
    }
}
