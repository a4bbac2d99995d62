//! The right-hand matrix of a product in the order in which the kernel reads it.

/// Columns of a panel: one cache line.
pub(crate) const PANEL: usize = 16;
/// Up to so many columns are kept as columns, for dot products, and not as a panel.
pub(crate) const FEW: usize = 4;

/// One row of a panel.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line([f32; PANEL]);

/// A matrix `B` `[k, n]` ready to be the right-hand side of [`super::matmul`] many times.
///
/// Sixteen columns after another form a panel of `k` rows, padded with zeros; matrices of up to four columns are kept
/// column after column. Packing costs about as much as a product with one to four rows.
///
/// # Example
/// ```
/// use gibbs_kernels::gemm::{Packed, matmul};
/// let b = Packed::new(2, 3, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
/// let mut c = [0.0; 3];
/// matmul(1, &[10.0, 1.0], &b, Some(&[0.5; 3]), false, &mut c);
/// assert_eq!(c, [14.5, 25.5, 36.5]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Packed {
    k: usize,
    n: usize,
    lines: Vec<Line>,
    as_columns: bool,
}

impl Packed {
    /// Packs `b`, `k` rows of `n` numbers.
    ///
    /// # Panics
    /// If `b` has another length.
    pub fn new(k: usize, n: usize, b: &[f32]) -> Self {
        let mut packed = Self::default();
        packed.repack(k, n, b);
        packed
    }

    /// Packs the transpose of `b_t`, `n` rows of `k` numbers.
    ///
    /// # Panics
    /// If `b_t` has another length.
    pub fn transposed(k: usize, n: usize, b_t: &[f32]) -> Self {
        let mut packed = Self::default();
        packed.repack_transposed(k, n, b_t);
        packed
    }

    /// [`Packed::new`] in the memory of this one.
    ///
    /// # Panics
    /// If `b` has another length.
    pub fn repack(&mut self, k: usize, n: usize, b: &[f32]) {
        assert_eq!(b.len(), k * n, "a {k} x {n} matrix");
        self.shape(k, n, n <= FEW);
        if self.as_columns {
            let stride = self.column_stride();
            let to = self.floats_mut();
            for (p, row) in b.chunks_exact(n.max(1)).enumerate() {
                row.iter().enumerate().for_each(|(j, x)| to[j * stride + p] = *x);
            }
        } else {
            self.fill_panels(b);
        }
    }

    /// [`Packed::transposed`] in the memory of this one.
    ///
    /// # Panics
    /// If `b_t` has another length.
    pub fn repack_transposed(&mut self, k: usize, n: usize, b_t: &[f32]) {
        assert_eq!(b_t.len(), k * n, "the transpose of a {k} x {n} matrix");
        self.shape(k, n, n <= FEW);
        if self.as_columns {
            let stride = self.column_stride();
            let to = self.floats_mut();
            for j in 0..n {
                to[j * stride..][..k].copy_from_slice(&b_t[j * k..][..k]);
            }
        } else {
            self.fill_panels_transposed(b_t);
        }
    }

    /// [`Packed::repack`] into panels however few the columns.
    pub(crate) fn repack_panels(&mut self, k: usize, n: usize, b: &[f32]) {
        assert_eq!(b.len(), k * n, "a {k} x {n} matrix");
        self.shape(k, n, false);
        self.fill_panels(b);
    }

    /// Panels of the matrix whose rows `t * rows .. (t + 1) * rows` are the transpose of the `t`-th piece of `b_t`, `n`
    /// rows of `rows` numbers: the taps of a convolution, each transposed.
    pub(crate) fn repack_pieces_transposed(&mut self, pieces: usize, rows: usize, n: usize, b_t: &[f32]) {
        assert_eq!(b_t.len(), pieces * rows * n, "{pieces} transposes of {rows} x {n} matrices");
        self.shape(pieces * rows, n, false);
        let k = self.k;
        for (t, b_t) in b_t.chunks_exact((rows * n).max(1)).enumerate() {
            for (j, panel) in self.lines.chunks_exact_mut(k).enumerate() {
                transpose_panel(&b_t[j * PANEL * rows..], rows, (n - j * PANEL).min(PANEL), &mut panel[t * rows..]);
            }
        }
    }

    fn fill_panels(&mut self, b: &[f32]) {
        let (k, n) = (self.k, self.n);
        if k == 0 {
            return;
        }
        for (j, panel) in self.lines.chunks_exact_mut(k).enumerate() {
            let width = (n - j * PANEL).min(PANEL);
            for (line, row) in panel.iter_mut().zip(b.chunks_exact(n)) {
                if width == PANEL {
                    line.0.copy_from_slice(&row[j * PANEL..][..PANEL]);
                } else {
                    line.0[..width].copy_from_slice(&row[j * PANEL..]);
                }
            }
        }
    }

    fn fill_panels_transposed(&mut self, b_t: &[f32]) {
        let (k, n) = (self.k, self.n);
        if k == 0 {
            return;
        }
        for (j, panel) in self.lines.chunks_exact_mut(k).enumerate() {
            transpose_panel(&b_t[j * PANEL * k..], k, (n - j * PANEL).min(PANEL), panel);
        }
    }

    /// Rows of the matrix.
    pub fn k(&self) -> usize {
        self.k
    }

    /// Columns of the matrix.
    pub fn n(&self) -> usize {
        self.n
    }

    /// Whether the numbers lie column after column.
    pub(super) fn as_columns(&self) -> bool {
        self.as_columns
    }

    /// Where the next column starts in a matrix kept as columns.
    pub(super) fn column_stride(&self) -> usize {
        self.k.next_multiple_of(PANEL)
    }

    /// All numbers with their padding; aligned to a cache line.
    pub(crate) fn floats(&self) -> &[f32] {
        // SAFETY: a `Line` is sixteen numbers and nothing else.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.lines.len() * PANEL) }
    }

    fn floats_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above, and the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.lines.len() * PANEL) }
    }

    /// Element `(p, j)`, wherever it lies.
    pub(crate) fn get(&self, p: usize, j: usize) -> f32 {
        if self.as_columns {
            self.floats()[j * self.column_stride() + p]
        } else {
            self.lines[j / PANEL * self.k + p].0[j % PANEL]
        }
    }

    /// Room for a shape, with zeros wherever padding may be.
    fn shape(&mut self, k: usize, n: usize, as_columns: bool) {
        let len = if as_columns { n * k.div_ceil(PANEL) } else { n.div_ceil(PANEL) * k };
        if (k, n, as_columns) != (self.k, self.n, self.as_columns) || len != self.lines.len() {
            self.lines.clear();
            self.lines.resize(len, Line([0.0; PANEL]));
            (self.k, self.n, self.as_columns) = (k, n, as_columns);
        }
    }
}

/// Writes the first `width` rows of `b_t`, `k` numbers each, as columns of `panel`.
fn transpose_panel(b_t: &[f32], k: usize, width: usize, panel: &mut [Line]) {
    // Sixteen numbers of each row at a time, so that the lines written stay in the first cache.
    for p in (0..k).step_by(PANEL) {
        let lines = &mut panel[p..k.min(p + PANEL)];
        for l in 0..width {
            let row = &b_t[l * k + p..][..lines.len()];
            lines.iter_mut().zip(row).for_each(|(line, x)| line.0[l] = *x);
        }
    }
}
