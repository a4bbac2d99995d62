//! Where the layers of a deep machine lie among its even and its odd units.

use std::ops::Range;

use super::DbmError;

/// Widths of the layers, the visible one first.
///
/// Units of layers 0, 2, 4, ... stand one after another as the **even** units, those of 1, 3, 5, ... as the **odd** ones.
/// Only neighbours are joined, so an even layer sees one contiguous range of odd units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layers {
    widths: Vec<usize>,
}

impl Layers {
    /// From widths, visible first.
    ///
    /// # Errors
    /// Fewer than one hidden layer, or a layer without units.
    pub fn new(widths: Vec<usize>) -> Result<Self, DbmError> {
        if widths.len() < 2 || widths.contains(&0) {
            return Err(DbmError::Layers { widths });
        }
        Ok(Self { widths })
    }

    /// Widths, visible first.
    pub fn widths(&self) -> &[usize] {
        &self.widths
    }

    /// Visible units.
    pub fn n_visible(&self) -> usize {
        self.widths[0]
    }

    /// Hidden layers.
    pub fn n_hidden_layers(&self) -> usize {
        self.widths.len() - 1
    }

    /// Units of the even layers.
    pub fn n_even(&self) -> usize {
        self.widths.iter().step_by(2).sum()
    }

    /// Units of the odd layers.
    pub fn n_odd(&self) -> usize {
        self.widths.iter().skip(1).step_by(2).sum()
    }

    /// The units of a layer among those of its parity.
    ///
    /// # Panics
    /// If there is no such layer.
    pub fn range(&self, layer: usize) -> Range<usize> {
        let start = self.widths[..layer].iter().skip(layer % 2).step_by(2).sum();
        start..start + self.widths[layer]
    }

    /// The odd units that an even unit is joined to.
    pub fn reach(&self, even_unit: usize) -> Range<usize> {
        let even = (0..self.widths.len()).step_by(2);
        let layer = even.into_iter().find(|&l| self.range(l).contains(&even_unit)).unwrap_or(0);
        let (below, above) = (layer.saturating_sub(1).max(1), layer + 1);
        let end = if above < self.widths.len() { self.range(above).end } else { self.range(below).end };
        self.range(below).start..end
    }

    /// Sets to zero what lies outside of [`Layers::reach`] in a matrix even x odd, row-major.
    ///
    /// # Panics
    /// If the matrix has another size.
    pub fn keep_neighbours(&self, matrix: &mut [f32]) {
        let n_odd = self.n_odd();
        assert_eq!(matrix.len(), self.n_even() * n_odd, "a matrix even x odd");
        if self.widths.len() <= 3 {
            return;
        }
        for layer in (0..self.widths.len()).step_by(2) {
            let rows = self.range(layer);
            let reach = self.reach(rows.start);
            for row in matrix[rows.start * n_odd..rows.end * n_odd].chunks_exact_mut(n_odd) {
                row[..reach.start].fill(0.0);
                row[reach.end..].fill(0.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_lie_where_they_should() {
        let layers = Layers::new(vec![5, 4, 3, 2, 6]).unwrap();
        assert_eq!((layers.n_even(), layers.n_odd()), (14, 6));
        assert_eq!([0, 1, 2, 3, 4].map(|l| layers.range(l)), [0..5, 0..4, 5..8, 4..6, 8..14]);
        assert_eq!([0, 5, 8].map(|u| layers.reach(u)), [0..4, 0..6, 4..6]);
        let mut all = vec![1.0; 14 * 6];
        layers.keep_neighbours(&mut all);
        let joined = 5 * 4 + 4 * 3 + 3 * 2 + 2 * 6;
        assert_eq!(all.iter().sum::<f32>(), joined as f32);
        assert_eq!(Layers::new(vec![3, 4]).unwrap().reach(0), 0..4);
        assert!(Layers::new(vec![3]).is_err() && Layers::new(vec![3, 0, 2]).is_err());
    }
}
