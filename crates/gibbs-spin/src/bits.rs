//! Bit-packed binary rows.

use gibbs_core::key::Key;
use gibbs_core::persist::{Persist, StateError, Tensor, TensorMap};
use gibbs_core::rows::{Discrete, ExchangeRows, Rows};
use gibbs_kernels::bernoulli;
use gibbs_kernels::bits::{BitRows, words_per_row};

/// Binary rows, 64 sites a word: site `k` of a row is bit `k % 64` of its word `k / 64`, padding bits are zero.
///
/// Measured against one byte or one float a site, packed rows are 8 and 32 times smaller, and the matrix products
/// of `gibbs-kernels` read them directly (`record/kernels.md`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bits {
    n_rows: usize,
    n_cols: usize,
    words: Vec<u64>,
}

impl Bits {
    /// All zeros.
    pub fn zeros(n_rows: usize, n_cols: usize) -> Self {
        Self { n_rows, n_cols, words: vec![0; n_rows * words_per_row(n_cols)] }
    }

    /// Takes packed words over; padding bits are cleared.
    ///
    /// # Panics
    /// If there are not `n_rows * ceil(n_cols / 64)` words.
    pub fn from_words(n_rows: usize, n_cols: usize, mut words: Vec<u64>) -> Self {
        let stride = words_per_row(n_cols);
        assert_eq!(words.len(), n_rows * stride, "one word for every 64 columns of a row");
        if !n_cols.is_multiple_of(64) {
            let mask = (1u64 << (n_cols % 64)) - 1;
            words.iter_mut().skip(stride - 1).step_by(stride).for_each(|w| *w &= mask);
        }
        Self { n_rows, n_cols, words }
    }

    /// Packs rows of booleans.
    ///
    /// # Panics
    /// If the rows differ in length.
    ///
    /// # Example
    /// ```
    /// use gibbs_spin::Bits;
    /// let x = Bits::from_rows(&[[true, false, true]]);
    /// assert_eq!((x.n_cols(), x.get(0, 2)), (3, true));
    /// ```
    pub fn from_rows<R: AsRef<[bool]>>(rows: &[R]) -> Self {
        let n_cols = rows.first().map_or(0, |r| r.as_ref().len());
        let mut bits = Self::zeros(rows.len(), n_cols);
        for (i, row) in rows.iter().enumerate() {
            assert_eq!(row.as_ref().len(), n_cols, "rows of one length");
            for (j, &b) in row.as_ref().iter().enumerate() {
                bits.set(i, j, b);
            }
        }
        bits
    }

    /// Independent bits with log-odds `logits`, rows x columns.
    ///
    /// # Panics
    /// If there is not one number for each bit.
    pub(crate) fn draw(logits: &[f32], n_rows: usize, n_cols: usize, key: &Key) -> Self {
        let mut out = Self::zeros(n_rows, n_cols);
        bernoulli::draw(logits, n_rows, n_cols, 1.0, key.bits(), out.words_mut());
        out
    }

    /// Number of columns (sites).
    pub fn n_cols(&self) -> usize {
        self.n_cols
    }

    /// Words of a row.
    pub fn stride(&self) -> usize {
        words_per_row(self.n_cols)
    }

    /// The packed words, row after row.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// The packed words, to overwrite; keep padding bits zero.
    pub fn words_mut(&mut self) -> &mut [u64] {
        &mut self.words
    }

    /// Gives the buffer up.
    pub fn into_words(self) -> Vec<u64> {
        self.words
    }

    /// A borrowed view for the kernels.
    pub fn view(&self) -> BitRows<'_> {
        BitRows::new(&self.words, self.n_rows, self.n_cols)
    }

    /// One bit.
    pub fn get(&self, row: usize, col: usize) -> bool {
        self.words[row * self.stride() + col / 64] >> (col % 64) & 1 == 1
    }

    /// Sets one bit.
    pub fn set(&mut self, row: usize, col: usize, value: bool) {
        let at = row * self.stride() + col / 64;
        let mask = 1u64 << (col % 64);
        if value { self.words[at] |= mask } else { self.words[at] &= !mask }
    }

    /// The rows `start..end`.
    pub fn slice(&self, start: usize, end: usize) -> Self {
        let s = self.stride();
        Self { n_rows: end - start, n_cols: self.n_cols, words: self.words[start * s..end * s].to_vec() }
    }

    /// The first `n_cols` columns of every row.
    ///
    /// # Panics
    /// If there are not so many.
    #[must_use]
    pub fn first_columns(&self, n_cols: usize) -> Self {
        assert!(n_cols <= self.n_cols, "{n_cols} of {} columns", self.n_cols);
        let words = self.words.chunks_exact(self.stride().max(1)).flat_map(|row| &row[..words_per_row(n_cols)]);
        Self::from_words(self.n_rows, n_cols, words.copied().collect())
    }

    /// Rows of both, side by side: columns of `self`, then those of `other`.
    ///
    /// # Panics
    /// If the numbers of rows differ.
    #[must_use]
    pub fn beside(&self, other: &Self) -> Self {
        assert_eq!(self.n_rows, other.n_rows, "as many rows");
        let mut out = Self::zeros(self.n_rows, self.n_cols + other.n_cols);
        for i in 0..self.n_rows {
            (0..self.n_cols).for_each(|j| out.set(i, j, self.get(i, j)));
            (0..other.n_cols).for_each(|j| out.set(i, self.n_cols + j, other.get(i, j)));
        }
        out
    }

    /// The columns where `which` is set take the bits of `from`, row by row.
    ///
    /// # Panics
    /// If shapes differ or there is not one flag a column.
    pub fn overwrite(&mut self, from: &Self, which: &[bool]) {
        assert_eq!((self.n_rows, self.n_cols), (from.n_rows, from.n_cols), "rows of one shape");
        assert_eq!(which.len(), self.n_cols, "one flag a column");
        let mut mask = Self::zeros(1, self.n_cols);
        which.iter().enumerate().for_each(|(i, w)| mask.set(0, i, *w));
        let stride = self.stride();
        for (k, (word, from)) in self.words.iter_mut().zip(&from.words).enumerate() {
            let mask = mask.words[k % stride];
            *word = (*word & !mask) | (from & mask);
        }
    }

    /// Keeps the number of columns, changes the number of rows; new rows are zero.
    pub fn resize_rows(&mut self, n_rows: usize) {
        self.n_rows = n_rows;
        let len = n_rows * self.stride();
        self.words.resize(len, 0);
    }

    /// Share of ones in each column, rows weighted by `weights` where given (they need not sum to one).
    pub fn column_means(&self, weights: Option<&[f64]>) -> Vec<f64> {
        let mut sums = vec![0.0; self.n_cols];
        let mut total = 0.0;
        for row in 0..self.n_rows {
            let w = weights.map_or(1.0, |w| w[row]);
            total += w;
            let words = &self.words[row * self.stride()..(row + 1) * self.stride()];
            for (j, &word) in words.iter().enumerate() {
                let mut rest = word;
                while rest != 0 {
                    sums[j * 64 + rest.trailing_zeros() as usize] += w;
                    rest &= rest - 1;
                }
            }
        }
        sums.iter_mut().for_each(|s| *s /= total);
        sums
    }

    /// One byte a site, row-major: 0 or 1.
    pub fn to_bytes(&self) -> Vec<u8> {
        (0..self.n_rows).flat_map(|i| (0..self.n_cols).map(move |j| u8::from(self.get(i, j)))).collect()
    }
}

impl Rows for Bits {
    fn n_rows(&self) -> usize {
        self.n_rows
    }

    fn select(&self, index: &[usize]) -> Self {
        let s = self.stride();
        let words = index.iter().flat_map(|&i| &self.words[i * s..(i + 1) * s]).copied().collect();
        Self { n_rows: index.len(), n_cols: self.n_cols, words }
    }
}

impl Discrete for Bits {
    fn n_sites(&self) -> usize {
        self.n_cols
    }

    fn site(&self, row: usize, site: usize) -> bool {
        self.get(row, site)
    }

    fn set_site(&mut self, row: usize, site: usize, value: bool) {
        self.set(row, site, value);
    }
}

impl ExchangeRows for Bits {
    fn exchange_rows(&mut self, other: &mut Self, which: &[bool]) {
        let shape = (self.n_rows, self.n_cols);
        assert_eq!(
            (shape, shape.0),
            ((other.n_rows, other.n_cols), which.len()),
            "rows of one shape, and one answer a row"
        );
        let stride = self.stride().max(1);
        let pairs = self.words.chunks_exact_mut(stride).zip(other.words.chunks_exact_mut(stride));
        pairs.zip(which).filter(|(_, w)| **w).for_each(|((a, b), _)| a.swap_with_slice(b));
    }
}

impl Persist for Bits {
    fn save(&self, prefix: &str, to: &mut TensorMap) {
        to.insert(format!("{prefix}bits"), Tensor::from_u64(&[self.n_rows, self.stride()], &self.words));
    }

    fn load(&mut self, prefix: &str, from: &TensorMap) -> Result<(), StateError> {
        let name = format!("{prefix}bits");
        let tensor = from.expect(&name, None)?;
        let (wanted, found) = (vec![self.n_rows, self.stride()], tensor.shape.clone());
        if found.len() != 2 || found[1] != wanted[1] {
            return Err(StateError::Shape { name, found, wanted });
        }
        *self = Self::from_words(found[0], self.n_cols, tensor.to_u64(&name)?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_selecting_and_saving() {
        let rows: Vec<Vec<bool>> = (0..5).map(|i| (0..70).map(|j| (i * 7 + j * 3) % 5 == 0).collect()).collect();
        let x = Bits::from_rows(&rows);
        assert!((0..5).all(|i| (0..70).all(|j| x.get(i, j) == rows[i][j])));
        let y = x.select(&[4, 0, 4]);
        assert!((0..70).all(|j| y.get(0, j) == rows[4][j] && y.get(1, j) == rows[0][j]));
        let mut map = TensorMap::default();
        x.save("x.", &mut map);
        let mut z = Bits::zeros(0, 70);
        z.load("x.", &map).unwrap();
        assert_eq!(x, z);
        assert!(Bits::zeros(0, 200).load("x.", &map).is_err());
        let mean: f64 = x.column_means(None).iter().sum();
        let ones = rows.iter().flatten().filter(|&&b| b).count();
        assert!((mean - ones as f64 / 5.0).abs() < 1e-12);
    }

    #[test]
    fn columns_are_joined_and_cut() {
        let rows = |n: usize, seed: usize| -> Vec<Vec<bool>> {
            (0..4).map(|i| (0..n).map(|j| (i * 7 + j * seed).is_multiple_of(3)).collect()).collect()
        };
        let (a, b) = (Bits::from_rows(&rows(70, 2)), Bits::from_rows(&rows(65, 5)));
        let both = a.beside(&b);
        assert!((0..4).all(|i| (0..65).all(|j| both.get(i, 70 + j) == b.get(i, j))));
        assert_eq!(both.first_columns(70), a);
        assert_eq!(both.first_columns(0).n_cols(), 0);
    }

    #[test]
    fn padding_is_cleared() {
        assert_eq!(Bits::from_words(2, 3, vec![u64::MAX, 8]).words(), [7, 0]);
    }
}
