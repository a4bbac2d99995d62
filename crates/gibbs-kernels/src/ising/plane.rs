//! One colour of a lattice, with the rim that spares the sweeps all wrapping.

use crate::vector::WORDS;

/// How a lattice lies in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Rows of words.
    pub rows: usize,
    /// Words of a row of one colour.
    pub width: usize,
    /// Bits by which a word turns where the last row meets the first: 1 for strips, 0 for replicas.
    pub seam: u32,
}

impl Shape {
    /// One lattice of `side` x `side` sites in 64 strips; `None` unless `side` is a positive multiple of 128 (strips of an
    /// even number of rows).
    pub fn strips(side: usize) -> Option<Self> {
        (side > 0 && side.is_multiple_of(128)).then_some(Self { rows: side / 64, width: side / 2, seam: 1 })
    }

    /// 64 lattices of `side` x `side` sites; `None` unless `side` is even and at least 2.
    pub fn replicas(side: usize) -> Option<Self> {
        (side > 0 && side.is_multiple_of(2)).then_some(Self { rows: side, width: side / 2, seam: 0 })
    }

    /// Words from one row to the next.
    pub(super) fn stride(self) -> usize {
        self.width.next_multiple_of(WORDS) + 2 * WORDS
    }

    /// Words of a plane.
    pub(super) fn len(self) -> usize {
        (self.rows + 2) * self.stride()
    }

    /// Where row `row`, from -1 to `rows`, begins with its rim; its first site is [`WORDS`] words on.
    pub(super) fn start(self, row: isize) -> usize {
        (row + 1) as usize * self.stride()
    }

    /// Renews the rim of a row, which is given with it.
    pub(super) fn close_row(self, words: &mut [u64]) {
        let width = self.width;
        words[WORDS - 1] = words[WORDS + width - 1];
        words[WORDS + width] = words[WORDS];
        // What a last group that is not full has written behind the rim.
        words[WORDS + width + 1..].fill(0);
    }
}

/// The spins of one colour: `rows` x `width` words, bit 1 is spin +1.
///
/// A rim of copies surrounds them: the last word of a row stands before its first and the first behind its last, the last
/// row above the first and the first below the last, each turned at the seam.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plane {
    shape: Shape,
    words: Vec<u64>,
}

impl Plane {
    /// All spins -1.
    pub fn new(shape: Shape) -> Self {
        Self { shape, words: vec![0; shape.len()] }
    }

    /// Words chosen by `word(row, c)`, called row after row.
    pub fn from_fn(shape: Shape, mut word: impl FnMut(usize, usize) -> u64) -> Self {
        let mut plane = Self::new(shape);
        plane.update(|row, c, w| *w = word(row, c));
        plane
    }

    /// The shape.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The words of a row.
    ///
    /// # Panics
    /// If `row` is not below [`Shape::rows`].
    pub fn row(&self, row: usize) -> &[u64] {
        assert!(row < self.shape.rows, "row {row} of {}", self.shape.rows);
        &self.words[self.shape.start(row as isize) + WORDS..][..self.shape.width]
    }

    /// Changes words: `change(row, c, word)`, row after row.
    pub fn update(&mut self, mut change: impl FnMut(usize, usize, &mut u64)) {
        let Shape { rows, width, seam } = self.shape;
        let stride = self.shape.stride();
        for (row, words) in self.words.chunks_exact_mut(stride).enumerate().skip(1).take(rows) {
            words[WORDS..][..width].iter_mut().enumerate().for_each(|(c, w)| change(row - 1, c, w));
            self.shape.close_row(words);
        }
        let (last, below) = (rows * stride, (rows + 1) * stride);
        for k in 0..stride {
            self.words[k] = self.words[last + k].rotate_left(seam);
            self.words[below + k] = self.words[stride + k].rotate_right(seam);
        }
    }

    /// All words, rim included.
    pub(super) fn words(&self) -> &[u64] {
        &self.words
    }

    /// All words, rim included.
    pub(super) fn words_mut(&mut self) -> &mut [u64] {
        &mut self.words
    }
}
