//! Shapes of values on the tape, and how one shape spreads over another.

use std::fmt;

/// Shape of a value: `dims` of one row, repeated for every row of the batch where `batched`.
///
/// Parameters are not batched. The number of rows is known only when a program runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Whether there is one such block of numbers a row of the batch.
    pub batched: bool,
    /// Sizes of the other axes, at most four, row-major.
    pub dims: Vec<usize>,
}

impl Shape {
    /// One block of `dims` a row of the batch.
    pub fn rows(dims: &[usize]) -> Self {
        Self { batched: true, dims: dims.to_vec() }
    }

    /// One block of `dims` for the whole batch.
    pub fn fixed(dims: &[usize]) -> Self {
        Self { batched: false, dims: dims.to_vec() }
    }

    /// Numbers of one row's block.
    pub fn numel(&self) -> usize {
        self.dims.iter().product()
    }

    /// Numbers in all, for a batch of `rows`.
    pub fn len(&self, rows: usize) -> usize {
        self.numel() * if self.batched { rows } else { 1 }
    }

    /// Size of the last axis; 1 for a single number.
    pub fn last(&self) -> usize {
        self.dims.last().copied().unwrap_or(1)
    }

    /// The shape that two operands spread to, as in `NumPy`: axes are aligned at the end, and an axis of size 1 (or a
    /// missing one) repeats.
    pub fn join(&self, other: &Self) -> Option<Self> {
        let n = self.dims.len().max(other.dims.len());
        let axis = |s: &Self, i: usize| if i + s.dims.len() < n { 1 } else { s.dims[i + s.dims.len() - n] };
        let dims: Option<Vec<usize>> = (0..n)
            .map(|i| match (axis(self, i), axis(other, i)) {
                (a, b) if a == b => Some(a),
                (1, b) => Some(b),
                (a, 1) => Some(a),
                _ => None,
            })
            .collect();
        Some(Self { batched: self.batched || other.batched, dims: dims? })
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dims: Vec<String> = self.dims.iter().map(usize::to_string).collect();
        write!(f, "[{}{}]", if self.batched { "rows; " } else { "" }, dims.join(", "))
    }
}

/// How a value of shape `[outer, n]` spreads over `[outer, reps, n]`: the middle axis repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spread {
    outer: usize,
    rows_in_outer: bool,
    reps: usize,
    rows_in_reps: bool,
    n: usize,
}

impl Spread {
    /// Between two shapes; `None` if the repeated axes are not next to each other.
    pub(crate) fn between(from: &Shape, to: &Shape) -> Option<Self> {
        if from.batched && !to.batched || from.dims.len() > to.dims.len() {
            return None;
        }
        let missing = to.dims.len() - from.dims.len();
        let mut spread =
            Spread { outer: 1, rows_in_outer: from.batched, reps: 1, rows_in_reps: to.batched && !from.batched, n: 1 };
        // 0: axes before the repeated ones, 1: repeated, 2: after.
        let mut stage = usize::from(spread.rows_in_reps);
        for (i, &t) in to.dims.iter().enumerate() {
            let f = if i < missing { 1 } else { from.dims[i - missing] };
            match (f == t, stage) {
                (true, _) if t == 1 => {}
                (true, 0) => spread.outer *= t,
                (true, _) => {
                    stage = 2;
                    spread.n *= t;
                }
                (false, 0 | 1) if f == 1 => {
                    stage = 1;
                    spread.reps *= t;
                }
                _ => return None,
            }
        }
        // Nothing repeats: everything counts as the last axis.
        if stage == 0 {
            (spread.n, spread.outer) = (spread.outer, 1);
        }
        Some(spread)
    }

    /// `(outer, reps, n)` for a batch.
    pub(crate) fn sizes(self, rows: usize) -> (usize, usize, usize) {
        let with = |yes: bool, size: usize| if yes { rows * size } else { size };
        (with(self.rows_in_outer, self.outer), with(self.rows_in_reps, self.reps), self.n)
    }

    /// Whether nothing repeats.
    pub(crate) fn is_same(self) -> bool {
        self.reps == 1 && !self.rows_in_reps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreads() {
        let s = |from: Shape, to: Shape| Spread::between(&from, &to).map(|s| s.sizes(10));
        assert_eq!(s(Shape::fixed(&[4]), Shape::rows(&[3, 4])), Some((1, 30, 4)));
        assert_eq!(s(Shape::rows(&[1]), Shape::rows(&[5])), Some((10, 5, 1)));
        assert_eq!(s(Shape::rows(&[1, 1, 4]), Shape::rows(&[3, 3, 4])), Some((10, 9, 4)));
        assert_eq!(s(Shape::fixed(&[]), Shape::rows(&[3])), Some((1, 30, 1)));
        assert_eq!(s(Shape::rows(&[3]), Shape::rows(&[3])), Some((10, 1, 3)));
        assert_eq!(s(Shape::fixed(&[3, 1]), Shape::rows(&[3, 4])), None);
        assert_eq!(Shape::rows(&[3, 1]).join(&Shape::fixed(&[4])), Some(Shape::rows(&[3, 4])));
        assert_eq!(Shape::rows(&[3]).join(&Shape::fixed(&[4])), None);
    }
}
