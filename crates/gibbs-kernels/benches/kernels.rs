//! Speed of the kernels beside the alternatives that were tried; results in `record/kernels.md`.
//!
//! `cargo bench -p gibbs-kernels --bench kernels`

mod alternatives;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use gibbs_kernels::bit_gemm::{Matrix, bit_gemm, bit_gemm_bernoulli, bit_gemm_tn};
use gibbs_kernels::bits::{BitRows, transpose, words_per_row};
use gibbs_kernels::conv::{AdjointFilters, Filters, Geometry};
use gibbs_kernels::derivatives::{Activation, apply};
use gibbs_kernels::gemm::{Packed, matmul, matmul_tn};
use gibbs_kernels::{activation, bernoulli, conv, enumerate, rng};

/// Batch, visible and hidden units of the reference model.
const SHAPE: (usize, usize, usize) = (100, 784, 500);

fn numbers(len: usize, seed: u128) -> Vec<f32> {
    let mut x = vec![0.0; len];
    rng::fill_normal(seed, &mut x);
    x.iter_mut().for_each(|x| *x *= 0.1);
    x
}

fn random_words(n_rows: usize, n_cols: usize, density: f32) -> Vec<u64> {
    let logit = (density / (1.0 - density)).ln();
    let mut words = vec![0; n_rows * words_per_row(n_cols)];
    bernoulli::draw(&vec![logit; n_rows * n_cols], n_rows, n_cols, 1.0, 1, &mut words);
    words
}

fn products(c: &mut Criterion) {
    let (m, k, n) = SHAPE;
    let (w, bias, p) = (numbers(k * n, 1), numbers(n, 2), numbers(m * n, 3));
    let visible_bias = numbers(k, 4);
    let mut out = vec![0.0; m * n];
    let mut group = c.benchmark_group("v W (100x784 by 784x500)");
    for density in [0.05, 0.13, 0.3, 0.5] {
        let words = random_words(m, k, density);
        let a = BitRows::new(&words, m, k);
        group.bench_function(format!("bit_gemm, density {density}"), |b| {
            b.iter(|| bit_gemm(a, Matrix::row_major(&w, k, n), Some(&bias), black_box(&mut out)));
        });
        group.bench_function(format!("sparse rows, density {density}"), |b| {
            b.iter(|| alternatives::sparse_rows(a, &w, n, black_box(&mut out)));
        });
    }
    let words = random_words(m, k, 0.13);
    let a = BitRows::new(&words, m, k);
    let dense = alternatives::unpack(a);
    group.bench_function("dense f32", |b| {
        b.iter(|| alternatives::dense(&mut out, (m, n, k), (&dense, k, 1), (&w, n, 1), 0.0));
    });
    let bytes: Vec<u8> = dense.iter().map(|&x| x as u8).collect();
    let quantised = alternatives::Quantised::new(&w, k, n);
    group.bench_function("int8 (weights quantised beforehand)", |b| {
        b.iter(|| alternatives::int8(&bytes, m, &quantised, black_box(&mut out)));
    });
    group.bench_function("int8 (weights quantised inside)", |b| {
        b.iter(|| alternatives::int8(&bytes, m, &alternatives::Quantised::new(&w, k, n), black_box(&mut out)));
    });
    group.finish();

    let mut group = c.benchmark_group("h W' (100x500 by 500x784)");
    let h = random_words(m, n, 0.3);
    let h = BitRows::new(&h, m, n);
    let dense_h = alternatives::unpack(h);
    let mut visible = vec![0.0; m * k];
    let mut drawn = vec![0; m * words_per_row(k)];
    group.bench_function("bit_gemm", |b| {
        b.iter(|| bit_gemm(h, Matrix::row_major(&w, k, n).t(), None, black_box(&mut visible)));
    });
    group.bench_function("bit_gemm_bernoulli", |b| {
        let w = Matrix::row_major(&w, k, n).t();
        b.iter(|| bit_gemm_bernoulli(h, w, 1.0, &visible_bias, 5, black_box(&mut drawn)));
    });
    group.bench_function("dense f32", |b| {
        b.iter(|| alternatives::dense(&mut visible, (m, k, n), (&dense_h, n, 1), (&w, 1, n), 0.0));
    });
    group.finish();

    let mut group = c.benchmark_group("v' p (784x100 by 100x500)");
    let mut grad = vec![0.0; k * n];
    let mut scratch = Vec::new();
    group.bench_function("bit_gemm_tn", |b| {
        b.iter(|| bit_gemm_tn(a, &p, n, 1e-3, black_box(&mut grad), &mut scratch));
    });
    group.bench_function("transpose", |b| b.iter(|| transpose(a, &mut scratch)));
    group.bench_function("dense f32", |b| {
        b.iter(|| alternatives::dense(&mut grad, (k, n, m), (&dense, 1, k), (&p, n, 1), 1.0));
    });
    group.finish();
}

/// One update of persistent contrastive divergence without the optimiser.
fn pcd_update(c: &mut Criterion) {
    let (m, k, n) = SHAPE;
    let (w, visible_bias, hidden_bias) = (numbers(k * n, 1), numbers(k, 2), numbers(n, 3));
    let data = random_words(m, k, 0.13);
    let data = BitRows::new(&data, m, k);
    let mut h = random_words(m, n, 0.3);
    let mut v = vec![0; m * words_per_row(k)];
    let (mut x, mut p_data, mut p_chain) = (vec![0.0; m * n], vec![0.0; m * n], vec![0.0; m * n]);
    let mut grad = vec![0.0; k * n];
    let mut scratch = Vec::new();
    let mut group = c.benchmark_group("pcd_update");
    let mut step = 0u128;
    group.bench_function("bits", |b| {
        b.iter(|| {
            step += 1;
            let w = Matrix::row_major(&w, k, n);
            bit_gemm(data, w, Some(&hidden_bias), &mut x);
            activation::sigmoid(1.0, &x, &mut p_data);
            bit_gemm_bernoulli(BitRows::new(&h, m, n), w.t(), 1.0, &visible_bias, step << 64, &mut v);
            bit_gemm(BitRows::new(&v, m, k), w, Some(&hidden_bias), &mut x);
            activation::sigmoid(1.0, &x, &mut p_chain);
            bernoulli::draw(&x, m, n, 1.0, step << 64 | 1, &mut h);
            bit_gemm_tn(data, &p_data, n, 1e-2, &mut grad, &mut scratch);
            bit_gemm_tn(BitRows::new(&v, m, k), &p_chain, n, -1e-2, &mut grad, &mut scratch);
        });
    });
    // The same five products in f32; draws and activations are the kernels' own, on packed rows that are not used.
    let dense_data = alternatives::unpack(data);
    let (mut dense_h, mut dense_v) = (vec![1.0; m * n], vec![0.0; m * k]);
    group.bench_function("dense f32", |b| {
        b.iter(|| {
            step += 1;
            alternatives::dense(&mut x, (m, n, k), (&dense_data, k, 1), (&w, n, 1), 0.0);
            activation::sigmoid(1.0, &x, &mut p_data);
            alternatives::dense(&mut dense_v, (m, k, n), (&dense_h, n, 1), (&w, 1, n), 0.0);
            bernoulli::draw(&dense_v, m, k, 1.0, step << 64, &mut v);
            alternatives::dense(&mut x, (m, n, k), (&dense_data, k, 1), (&w, n, 1), 0.0);
            activation::sigmoid(1.0, &x, &mut p_chain);
            bernoulli::draw(&x, m, n, 1.0, step << 64 | 1, &mut h);
            alternatives::dense(&mut grad, (k, n, m), (&dense_data, 1, k), (&p_data, n, 1), 1.0);
            alternatives::dense(&mut grad, (k, n, m), (&dense_data, 1, k), (&p_chain, n, 1), 1.0);
            dense_h[0] = 1.0;
        });
    });
    group.finish();
}

fn elementwise(c: &mut Criterion) {
    let (m, _, n) = SHAPE;
    let x = numbers(m * n, 1);
    let mut p = vec![0.0; m * n];
    let mut h = vec![0; m * words_per_row(n)];
    let mut sums = vec![0.0; m];
    let mut group = c.benchmark_group("100x500 logits");
    group.bench_function("sigmoid", |b| b.iter(|| activation::sigmoid(1.0, &x, black_box(&mut p))));
    group.bench_function("softplus_sum", |b| b.iter(|| activation::softplus_sum(&x, m, n, 1.0, black_box(&mut sums))));
    group.bench_function("draw", |b| b.iter(|| bernoulli::draw(&x, m, n, 1.0, 7, black_box(&mut h))));
    group.bench_function("draw_with_increment", |b| {
        b.iter(|| bernoulli::draw_with_increment(&x, m, n, 0.5, 0.501, 7, black_box(&mut h), &mut sums));
    });
    group.finish();
    let mut x = vec![0.0; 1 << 20];
    let mut group = c.benchmark_group("2^20 numbers");
    group.bench_function("fill_uniform", |b| b.iter(|| rng::fill_uniform(1, black_box(&mut x))));
    group.bench_function("fill_normal", |b| b.iter(|| rng::fill_normal(1, black_box(&mut x))));
    group.finish();
    c.bench_function("fill_normal_serial, 256 numbers", |b| {
        b.iter(|| rng::fill_normal_serial(1, black_box(&mut x[..256])));
    });
}

/// Dense products of nets, beside the crate `gemm`.
fn dense_products(c: &mut Criterion) {
    for (m, k, n) in [(128, 128, 128), (256, 128, 128), (128, 2, 128), (128, 128, 1), (512, 784, 500)] {
        let (a, b, g) = (numbers(m * k, 1), numbers(k * n, 2), numbers(m * n, 3));
        let mut packed = Packed::new(k, n, &b);
        let (mut out, mut grad) = (vec![0.0; m * n], vec![0.0; k * n]);
        let mut group = c.benchmark_group(format!("A B, {m} x {k} x {n}"));
        group.bench_function("matmul", |z| z.iter(|| matmul(m, &a, &packed, None, false, black_box(&mut out))));
        group.bench_function("crate gemm", |z| {
            z.iter(|| alternatives::dense(black_box(&mut out), (m, n, k), (&a, k, 1), (&b, n, 1), 0.0));
        });
        group.bench_function("repack", |z| z.iter(|| packed.repack(k, n, black_box(&b))));
        group.bench_function("repack_transposed", |z| z.iter(|| packed.repack_transposed(k, n, black_box(&b))));
        group.finish();
        let mut group = c.benchmark_group(format!("A' G, {m} x {k} x {n}"));
        group.bench_function("matmul_tn", |z| z.iter(|| matmul_tn(m, k, n, &a, &g, false, black_box(&mut grad))));
        group.bench_function("crate gemm", |z| {
            z.iter(|| alternatives::dense(black_box(&mut grad), (k, n, m), (&a, 1, k), (&g, n, 1), 0.0));
        });
        group.finish();
    }
}

/// Four layers for images of 28 x 28, four images.
fn convolutions(c: &mut Criterion) {
    let n = 4;
    for (size, ci, co, stride) in [(28, 1, 32, 1), (28, 32, 64, 2), (14, 64, 128, 2), (7, 128, 128, 2)] {
        let g = Geometry { h: size, w: size, ci, co, kh: 3, kw: 3, stride, pad: 1 };
        let (x, y, mut kernel) =
            (numbers(n * g.input_len(), 1), numbers(n * g.output_len(), 2), numbers(g.kernel_len(), 3));
        let (mut out, mut dx) = (y.clone(), x.clone());
        let (filters, adjoint) = (Filters::new(g, &kernel), AdjointFilters::new(g, &kernel));
        let mut group = c.benchmark_group(format!("{n} images {size} x {size} x {ci} to {co}, stride {stride}"));
        group.bench_function("forward", |z| z.iter(|| conv::forward(n, &x, &filters, None, black_box(&mut out))));
        group.bench_function("input_adjoint", |z| z.iter(|| conv::input_adjoint(n, &y, &adjoint, black_box(&mut dx))));
        group.bench_function("weight_adjoint", |z| {
            z.iter(|| conv::weight_adjoint(&g, n, &x, &y, false, black_box(&mut kernel)));
        });
        group.finish();
    }
}

fn activations(c: &mut Criterion) {
    let (m, n) = (128, 128);
    let (z, bias) = (numbers(m * n, 1), numbers(n, 2));
    let (mut value, mut first, mut second, mut third) = (z.clone(), z.clone(), z.clone(), z.clone());
    let kinds = [
        Activation::Silu,
        Activation::Softplus,
        Activation::Tanh,
        Activation::Gelu,
        Activation::Elu,
        Activation::LeakyRelu(0.1),
        Activation::Sigmoid,
    ];
    let mut group = c.benchmark_group("128x128 activations with bias");
    for kind in kinds {
        group.bench_function(format!("{kind:?}, value and slope"), |b| {
            b.iter(|| apply(kind, &z, Some(&bias), [Some(&mut value), Some(black_box(&mut first)), None, None]));
        });
        group.bench_function(format!("{kind:?}, to third"), |b| {
            b.iter(|| {
                let outs = [&mut value, &mut first, &mut second, black_box(&mut third)];
                apply(kind, &z, Some(&bias), outs.map(|out| Some(out.as_mut_slice())));
            });
        });
    }
    group.finish();
}

fn exact_sums(c: &mut Criterion) {
    let mut group = c.benchmark_group("enumerate");
    for (n, m) in [(16, 64), (16, 784)] {
        let (w, b_e, b_o) = (numbers(n * m, 1), numbers(n, 2), numbers(m, 3));
        let w = Matrix::row_major(&w, n, m);
        group.bench_function(format!("log_z, 2^{n} states x {m} units"), |b| {
            b.iter(|| enumerate::log_z(w, &b_e, &b_o, &|_| true));
        });
        group.bench_function(format!("moments, 2^{n} states x {m} units"), |b| {
            b.iter(|| enumerate::moments(w, &b_e, &b_o));
        });
    }
    group.finish();
}

fn settings() -> Criterion {
    Criterion::default()
        .warm_up_time(std::time::Duration::from_millis(200))
        .measurement_time(std::time::Duration::from_secs(1))
        .sample_size(30)
        .without_plots()
}

criterion_group! {
    name = benches;
    config = settings();
    targets = products, pcd_update, elementwise, exact_sums, dense_products, convolutions, activations
}
criterion_main!(benches);
