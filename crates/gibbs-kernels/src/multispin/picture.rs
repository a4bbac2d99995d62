//! Pictures of bits, swept given a second one.
//!
//! Rows of one parity are independent given the others and their columns of the other parity, with four neighbours and with
//! eight: a picture is four planes of bits, and a sweep decides even rows and then odd rows, in each the even columns and
//! then the odd ones.

use super::decide::{Classes, equal};
use crate::level::{Level, level};
use crate::parallel;
use crate::rng::Lanes;
use crate::vector::{Vector, WORDS, Words, add3};

/// Rows that draw from one stream: the unit of threads, and part of the results.
const BLOCK_ROWS: usize = 16;
/// Sites that one thread decides in a nanosecond, for deciding whether to wake the others.
const SITES_PER_NANOSECOND: usize = 2;
/// Values of twice the number of neighbours that are up, a missing neighbour counting as half up.
pub const SUMS: usize = 9;

/// `height` x `width` bits. Even columns and odd columns of a row stand apart, 64 a word, with a rim of zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    height: usize,
    width: usize,
    /// Rows of each parity.
    rows: [Vec<u64>; 2],
}

impl Picture {
    /// All bits 0.
    pub fn new(height: usize, width: usize) -> Self {
        let len = 2 * stride(width);
        Self { height, width, rows: [height.div_ceil(2) * len, height / 2 * len].map(|n| vec![0; n]) }
    }

    /// Bits chosen by `bit(row, column)`.
    pub fn from_fn(height: usize, width: usize, bit: impl Fn(usize, usize) -> bool) -> Self {
        let mut picture = Self::new(height, width);
        for i in 0..height {
            for j in (0..width).filter(|j| bit(i, *j)) {
                let (word, shift) = picture.place(i, j);
                picture.rows[i % 2][word] |= 1 << shift;
            }
        }
        picture
    }

    /// Number of rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Number of columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// One bit.
    ///
    /// # Panics
    /// If there is no such row or column.
    pub fn get(&self, i: usize, j: usize) -> bool {
        assert!(i < self.height && j < self.width, "pixel ({i}, {j}) of {} x {}", self.height, self.width);
        let (word, shift) = self.place(i, j);
        self.rows[i % 2][word] >> shift & 1 == 1
    }

    fn place(&self, i: usize, j: usize) -> (usize, usize) {
        let s = stride(self.width);
        (i / 2 * 2 * s + j % 2 * s + WORDS + j / 2 / 64, j / 2 % 64)
    }

    /// Calls `f(row, column, bit)` for every pixel, row by row.
    pub fn for_each(&self, mut f: impl FnMut(usize, usize, bool)) {
        for i in 0..self.height {
            for j in 0..self.width {
                let (word, shift) = self.place(i, j);
                f(i, j, self.rows[i % 2][word] >> shift & 1 == 1);
            }
        }
    }

    /// Words of both parities.
    pub fn words(&self) -> impl Iterator<Item = u64> {
        self.rows.iter().flatten().copied()
    }

    /// Calls `f(row, column)` for the pixel of each bit of word `k` of [`Picture::words`], with the bit's place.
    pub fn pixels_of(&self, k: usize, mut f: impl FnMut(usize, usize, usize)) {
        let (parity, k) = if k < self.rows[0].len() { (0, k) } else { (1, k - self.rows[0].len()) };
        let s = stride(self.width);
        let (row, half, word) = (k / (2 * s), k / s % 2, k % s);
        for bit in 0..64 {
            let column = word.checked_sub(WORDS).map(|w| 2 * (64 * w + bit) + half);
            if let Some(column) = column.filter(|c| *c < self.width) {
                f(2 * row + parity, column, bit);
            }
        }
    }
}

/// Words of half a row, with its rim.
fn stride(width: usize) -> usize {
    width.div_ceil(128).next_multiple_of(WORDS) + 2 * WORDS
}

/// Probabilities to be up, in units of 2^-32.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    eight: bool,
    thresholds: Vec<u32>,
}

impl Table {
    /// With four neighbours: `up(observed, sum)` is the threshold where twice the number of neighbours that are up, plus the
    /// number of those that the border cuts off, is `sum`, from 0 to 8; `sum - 4` is then the sum of the neighbours as +-1.
    pub fn four(up: impl Fn(bool, usize) -> u32) -> Self {
        let thresholds = (0..2 * SUMS).map(|k| up(k / SUMS == 1, k % SUMS)).collect();
        Self { eight: false, thresholds }
    }

    /// With eight neighbours: `up(observed, sum, diagonal)` with a sum of its own for the diagonal ones.
    pub fn eight(up: impl Fn(bool, usize, usize) -> u32) -> Self {
        let all = SUMS * SUMS;
        let thresholds = (0..2 * all).map(|k| up(k / all == 1, k / SUMS % SUMS, k % SUMS)).collect();
        Self { eight: true, thresholds }
    }
}

/// One heat-bath sweep of every pixel of `spins` given the bits of `observed`. The key fixes the result, whatever the
/// instruction set and the number of threads.
///
/// # Panics
/// If the pictures differ in shape.
///
/// # Example
/// ```
/// use gibbs_kernels::multispin::{picture::{Picture, Table, sweep}, threshold};
/// let observed = Picture::from_fn(20, 30, |i, j| (i + j) % 2 == 0);
/// let mut spins = Picture::new(20, 30);
/// // Without a coupling a pixel follows what was observed, here for certain but for 2^-32.
/// sweep(&mut spins, &observed, &Table::four(|y, _| if y { u32::MAX } else { 0 }), 1);
/// assert_eq!(spins, observed);
/// ```
pub fn sweep(spins: &mut Picture, observed: &Picture, table: &Table, key: u128) {
    sweep_on(level(), spins, observed, table, key);
}

pub(super) fn sweep_on(on: Level, spins: &mut Picture, observed: &Picture, table: &Table, key: u128) {
    let (height, width) = (spins.height, spins.width);
    assert_eq!((height, width), (observed.height, observed.width), "pictures of one shape");
    if height == 0 || width == 0 {
        return;
    }
    let (len, near) = (2 * stride(width), Present::new(width));
    let none = vec![0; len];
    for parity in 0..2 {
        let [even, odd] = &mut spins.rows;
        let (own, others) = if parity == 0 { (even, &*odd) } else { (odd, &*even) };
        let n_rows = own.len() / len;
        let blocks = n_rows.div_ceil(BLOCK_ROWS);
        let shared = parallel::Shared::new(own);
        let cost = n_rows * width / SITES_PER_NANOSECOND;
        parallel::for_each(blocks, cost, |block| {
            let lanes = Lanes::pair(key, (2 * block + parity) as u64);
            let first = block * BLOCK_ROWS;
            let n = BLOCK_ROWS.min(n_rows - first);
            // SAFETY: blocks of rows are disjoint.
            let rows = unsafe { shared.part(first * len, n * len) };
            let row = |r: Option<usize>| r.and_then(|r| others.get(r * len..(r + 1) * len));
            let outer: Vec<_> =
                (first..first + n)
                    .map(|r| {
                        if parity == 0 {
                            [row(r.checked_sub(1)), row(Some(r))]
                        } else {
                            [row(Some(r)), row(Some(r + 1))]
                        }
                    })
                    .collect();
            let observed = &observed.rows[parity][first * len..][..n * len];
            let mut rows = Row { rows, outer: &outer, none: &none, observed, present: &near, table };
            match on {
                Level::Scalar => decide_row::<Words>(&mut rows, &lanes),
                #[cfg(target_arch = "x86_64")]
                // SAFETY: this level is only found on a processor that has it.
                Level::Avx2Fma => unsafe { super::avx2::decide_row(&mut rows, &lanes) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as above.
                Level::Avx512 => unsafe { super::avx512::decide_row(&mut rows, &lanes) },
                #[cfg(not(target_arch = "x86_64"))]
                Level::Avx2Fma | Level::Avx512 => unreachable!("not on this processor"),
            }
        });
    }
}

/// Which pixels exist: those of each column parity, with their rim.
struct Present([Vec<u64>; 2]);

impl Present {
    fn new(width: usize) -> Self {
        let row = Picture::from_fn(1, width, |_, _| true);
        let s = stride(width);
        Self([0, 1].map(|half| row.rows[0][half * s..][..s].to_vec()))
    }
}

/// Rows of one parity and what they are decided by.
pub(super) struct Row<'a> {
    rows: &'a mut [u64],
    /// The rows above and below each, where there are any.
    outer: &'a [[Option<&'a [u64]>; 2]],
    none: &'a [u64],
    observed: &'a [u64],
    present: &'a Present,
    table: &'a Table,
}

/// The vector that begins `offset` words after word `at` of a row.
#[inline(always)]
fn at<V: Vector>(words: &[u64], at: usize, offset: isize) -> V {
    match words[at.wrapping_add_signed(offset)..].first_chunk() {
        Some(words) => V::load(words),
        None => V::splat(0),
    }
}

/// Bits of the neighbours on the left and on the right, from the half row of the other columns.
#[inline(always)]
fn beside<V: Vector>(other: &[u64], word: usize, odd: bool) -> [V; 2] {
    let here: V = at(other, word, 0);
    if odd { [here, here.down_one(at(other, word, 1))] } else { [here.up_one(at(other, word, -1)), here] }
}

/// Digits of `sum over four neighbours of (up + (up or missing))`.
#[inline(always)]
fn sum<V: Vector>(up: [V; 4], present: [V; 4]) -> [V; 4] {
    let mut or = up;
    for (or, present) in or.iter_mut().zip(present) {
        *or = or.or(present.not());
    }
    let (a, ca) = add3(up[0], up[1], up[2]);
    let (b, cb) = add3(up[3], or[0], or[1]);
    let (c, cc) = add3(or[2], or[3], a);
    let (ones, cd) = (b.xor(c), b.and(c));
    let (d, fa) = add3(ca, cb, cc);
    let (twos, fb) = (d.xor(cd), d.and(cd));
    [ones, twos, fa.xor(fb), fa.and(fb)]
}

/// Decides the rows of a block.
#[inline(always)]
pub(super) fn decide_row<V: Vector>(block: &mut Row, lanes: &[Lanes; 2]) {
    let mut random = V::random(lanes);
    let mut classes = Classes::<V>::new();
    let s = block.none.len() / 2;
    let n_words = s - 2 * WORDS;
    for (r, outer) in block.outer.iter().enumerate() {
        for half in 0..2 {
            let odd = half == 1;
            let row = &mut block.rows[2 * r * s..][..2 * s];
            let (valid, valid_other) = (&block.present.0[half], &block.present.0[1 - half]);
            for word in (WORDS..WORDS + n_words).step_by(WORDS) {
                let exists: V = at(valid, word, 0);
                let zero = V::splat(0);
                let other = &row[(1 - half) * s..][..s];
                let [left, right] = beside(other, word, odd);
                let [is_left, is_right] = beside(valid_other, word, odd);
                let (mut up, mut is_there) = ([left, right, zero, zero], [is_left, is_right, zero, zero]);
                let (mut corner, mut is_corner) = ([zero; 4], [zero; 4]);
                for (k, outer) in outer.iter().enumerate() {
                    let Some(outer) = outer else { continue };
                    (up[2 + k], is_there[2 + k]) = (at(&outer[half * s..], word, 0), exists);
                    if block.table.eight {
                        let [l, r] = beside(&outer[(1 - half) * s..][..s], word, odd);
                        (corner[2 * k], corner[2 * k + 1]) = (l, r);
                        (is_corner[2 * k], is_corner[2 * k + 1]) = (is_left, is_right);
                    }
                }
                let digits = sum(up, is_there);
                let seen: V = at(&block.observed[2 * r * s + half * s..], word, 0);
                classes.clear();
                let observed = [seen.not_and(exists), seen.and(exists)];
                let thresholds = &block.table.thresholds;
                if block.table.eight {
                    let corners = sum(corner, is_corner);
                    let mut diagonals = [zero; SUMS];
                    for (d, diagonal) in diagonals.iter_mut().enumerate() {
                        *diagonal = equal(&corners, d);
                    }
                    for a in 0..SUMS {
                        let axial = equal(&digits, a).and(exists);
                        if axial.is_zero() {
                            continue;
                        }
                        for (d, diagonal) in diagonals.iter().enumerate() {
                            let both = axial.and(*diagonal);
                            if both.is_zero() {
                                continue;
                            }
                            for (y, seen) in observed.iter().enumerate() {
                                classes.push(both.and(*seen), thresholds[(y * SUMS + a) * SUMS + d]);
                            }
                        }
                    }
                } else {
                    for a in 0..SUMS {
                        let axial = equal(&digits, a);
                        for (y, seen) in observed.iter().enumerate() {
                            classes.push(axial.and(*seen), thresholds[y * SUMS + a]);
                        }
                    }
                }
                let decided = classes.decide(exists, &mut random);
                if let Some(words) = row[half * s + word..].first_chunk_mut() {
                    decided.store(words);
                }
            }
        }
    }
}
