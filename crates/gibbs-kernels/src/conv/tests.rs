use proptest::prelude::*;

use super::*;
use crate::level::{Level, available, detect};

/// Whole numbers whose sums are exact in f32, so that equality is.
fn whole(len: usize, seed: u64) -> Vec<f32> {
    let mut x = vec![0.0; len];
    crate::rng::fill_normal_serial(u128::from(seed), &mut x);
    x.into_iter().map(|x| (3.0 * x).round()).collect()
}

/// Calls `f(x index, kernel index, y index)` for every product of the definition.
fn for_each_product(g: &Geometry, n: usize, mut f: impl FnMut(usize, usize, usize)) {
    for (image, oy, ox) in (0..n * g.oh() * g.ow()).map(|i| (i / g.ow() / g.oh(), i / g.ow() % g.oh(), i % g.ow())) {
        for (ky, kx) in (0..g.kh * g.kw).map(|k| (k / g.kw, k % g.kw)) {
            let (y, x) = ((oy * g.stride + ky).wrapping_sub(g.pad), (ox * g.stride + kx).wrapping_sub(g.pad));
            if y >= g.h || x >= g.w {
                continue;
            }
            for (i, o) in (0..g.ci * g.co).map(|c| (c / g.co, c % g.co)) {
                f(
                    ((image * g.h + y) * g.w + x) * g.ci + i,
                    ((ky * g.kw + kx) * g.ci + i) * g.co + o,
                    ((image * g.oh() + oy) * g.ow() + ox) * g.co + o,
                );
            }
        }
    }
}

/// Forward, input adjoint and weight adjoint by the definition.
fn naive(g: &Geometry, n: usize, x: &[f32], kernel: &[f32], dy: &[f32]) -> [Vec<f32>; 3] {
    let mut results = [vec![0.0; dy.len()], vec![0.0; x.len()], vec![0.0; kernel.len()]];
    for_each_product(g, n, |ix, ik, iy| {
        results[0][iy] += x[ix] * kernel[ik];
        results[1][ix] += dy[iy] * kernel[ik];
        results[2][ik] += x[ix] * dy[iy];
    });
    results
}

fn check_against_naive(g: Geometry, n: usize, seed: u64) -> Result<(), TestCaseError> {
    let (x, kernel) = (whole(n * g.input_len(), seed), whole(g.kernel_len(), seed ^ 1));
    let (dy, bias) = (whole(n * g.output_len(), seed ^ 2), whole(g.co, seed ^ 3));
    let [mut y, dx, dk] = naive(&g, n, &x, &kernel, &dy);
    let (filters, adjoint) = (Filters::new(g, &kernel), AdjointFilters::new(g, &kernel));
    for on in available() {
        let mut out = vec![f32::NAN; y.len()];
        forward_on(on, n, &x, &filters, None, &mut out);
        prop_assert_eq!(&y, &out, "forward on {:?}", on);
        let mut out = vec![f32::NAN; x.len()];
        input_adjoint_on(on, n, &dy, &adjoint, &mut out);
        prop_assert_eq!(&dx, &out, "input adjoint on {:?}", on);
        let mut out = vec![f32::NAN; kernel.len()];
        weight_adjoint_on(on, &g, n, (&x, &dy), false, &mut out);
        prop_assert_eq!(&dk, &out, "weight adjoint on {:?}", on);
        weight_adjoint_on(on, &g, n, (&x, &dy), true, &mut out);
        prop_assert!(dk.iter().zip(&out).all(|(a, b)| a + a == *b), "accumulated on {:?}", on);
    }
    y.iter_mut().enumerate().for_each(|(i, y)| *y += bias[i % g.co]);
    let mut out = vec![f32::NAN; y.len()];
    forward_on(detect(), n, &x, &filters, Some(&bias), &mut out);
    prop_assert_eq!(&y, &out, "with bias");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn by_the_definition(
        n in 0usize..4,
        (h, w) in (1usize..9, 1usize..9),
        (ci, co) in (1usize..20, 1usize..20),
        (kh, kw) in (1usize..5, 1usize..5),
        stride in 1usize..4,
        pad in 0usize..3,
        seed: u64,
    ) {
        check_against_naive(Geometry { h, w, ci, co, kh, kw, stride, pad }, n, seed)?;
    }
}

/// The layers of a net for images of 28 x 28, in groups of several images.
#[test]
fn layers_of_a_net() {
    let layers = [(28, 1, 32, 1), (28, 32, 20, 2), (14, 17, 40, 2), (7, 48, 33, 2)];
    for (size, ci, co, stride) in layers {
        let g = Geometry { h: size, w: size, ci, co, kh: 3, kw: 3, stride, pad: 1 };
        check_against_naive(g, 9, 1).unwrap();
    }
}

/// Vectors of either width sum in the same order.
#[test]
fn vectors_of_either_width_give_the_same_bits() {
    for (ci, co, stride) in [(1, 32, 1), (20, 40, 2), (33, 17, 1), (48, 70, 2)] {
        let (g, n) = (Geometry { h: 9, w: 11, ci, co, kh: 3, kw: 3, stride, pad: 1 }, 3);
        let numbers = |len: usize, seed: u128| {
            let mut x = vec![0.0; len];
            crate::rng::fill_normal_serial(seed, &mut x);
            x
        };
        let (x, kernel) = (numbers(n * g.input_len(), 1), numbers(g.kernel_len(), 2));
        let (dy, bias) = (numbers(n * g.output_len(), 3), numbers(co, 4));
        let on = |level| {
            let [mut y, mut dx, mut dk] = [dy.len(), x.len(), kernel.len()].map(|len| vec![0.0; len]);
            forward_on(level, n, &x, &Filters::new(g, &kernel), Some(&bias), &mut y);
            input_adjoint_on(level, n, &dy, &AdjointFilters::new(g, &kernel), &mut dx);
            weight_adjoint_on(level, &g, n, (&x, &dy), false, &mut dk);
            [y, dx, dk]
        };
        let vectors: Vec<[Vec<f32>; 3]> = available().filter(|l| *l != Level::Scalar).map(on).collect();
        assert!(vectors.iter().all(|v| *v == vectors[0]), "{g:?}");
    }
}

/// Repacking is packing, and results of an image do not depend on its neighbours.
#[test]
fn images_alone_and_repacked() {
    let g = Geometry { h: 9, w: 7, ci: 6, co: 18, kh: 3, kw: 2, stride: 2, pad: 1 };
    let mut x = vec![0.0; 5 * g.input_len()];
    let mut kernel = vec![0.0; g.kernel_len()];
    crate::rng::fill_normal_serial(1, &mut x);
    crate::rng::fill_normal_serial(2, &mut kernel);
    let mut filters = Filters::new(g, &vec![1.0; g.kernel_len()]);
    filters.repack(&kernel);
    let mut adjoint = AdjointFilters::new(g, &vec![1.0; g.kernel_len()]);
    adjoint.repack(&kernel);
    let (mut all, mut one) = (vec![0.0; 5 * g.output_len()], vec![0.0; g.output_len()]);
    forward(5, &x, &filters, None, &mut all);
    forward(1, &x[3 * g.input_len()..4 * g.input_len()], &Filters::new(g, &kernel), None, &mut one);
    assert_eq!(one, all[3 * g.output_len()..4 * g.output_len()]);
    let (mut dx_all, mut dx_one) = (vec![0.0; 5 * g.input_len()], vec![0.0; g.input_len()]);
    input_adjoint(5, &all, &adjoint, &mut dx_all);
    input_adjoint(1, &one, &AdjointFilters::new(g, &kernel), &mut dx_one);
    assert_eq!(dx_one, dx_all[3 * g.input_len()..4 * g.input_len()]);
}

#[test]
#[should_panic(expected = "2 images of 4 x 4 x 1")]
fn mismatched_shapes() {
    let g = Geometry { h: 4, w: 4, ci: 1, co: 1, kh: 3, kw: 3, stride: 1, pad: 1 };
    forward(2, &[0.0; 16], &Filters::new(g, &[0.0; 9]), None, &mut [0.0; 32]);
}
