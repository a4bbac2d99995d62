use super::*;

/// The AVX2 build rounds as the plain one does, and both are the definition.
#[test]
fn every_width_is_the_definition() {
    let offsets = [0, 3, 3, 5];
    let (columns, values) = ([2, 0, 2, 3, 1], [1.0, -0.5, 2.0, 0.25, 3.0]);
    let rows = SparseView { offsets: &offsets, columns: &columns, values: &values };
    for width in 1..40 {
        let table: Vec<f64> = (0..4 * width).map(|i| (i as f64).sin()).collect();
        let mut out = vec![1.0; 3 * width];
        let mut twin = out.clone();
        add_product(rows, &table, width, &mut out);
        plain(rows, &table, width, &mut twin);
        assert_eq!(out, twin);
        for (i, o) in out.iter().enumerate() {
            let (row, j) = (i / width, i % width);
            let terms = (offsets[row]..offsets[row + 1])
                .map(|k| f64::from(values[k]) * table[columns[k] as usize * width + j])
                .sum::<f64>();
            assert!((o - 1.0 - terms).abs() < 1e-14, "{width} {i}");
        }
    }
}
