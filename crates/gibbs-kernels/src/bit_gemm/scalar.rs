//! The plain twin: subset sums of four rows, added in index order.

use super::{BitRows, Matrix, Sums, TILE, UNIT_ROWS, Unit};

pub(super) fn unit(a: BitRows, b: Matrix, unit: Unit, sums: &mut Sums) {
    sums.0.fill(0.0);
    for r in 0..unit.n_rows {
        for (w, &word) in a.row(unit.row + r).iter().enumerate() {
            for group in (0..16).filter(|g| word >> (4 * g) & 15 != 0) {
                for j in 0..unit.n_cols {
                    let mut subset = 0.0;
                    for bit in (4 * group..4 * group + 4).filter(|bit| word >> bit & 1 == 1) {
                        subset += b.get(64 * w + bit, unit.col + j);
                    }
                    sums.0[(j / TILE * UNIT_ROWS + r) * TILE + j % TILE] += subset;
                }
            }
        }
    }
}
