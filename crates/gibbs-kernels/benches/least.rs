//! The shortest of many single runs, which a neighbour on the same core cannot lengthen; results in `record/kernels.md`.
//!
//! `cargo bench -p gibbs-kernels --bench least`

#[allow(dead_code)]
mod alternatives;

use std::hint::black_box;
use std::time::Instant;

use gibbs_kernels::conv::{AdjointFilters, Filters, Geometry, forward, input_adjoint, weight_adjoint};
use gibbs_kernels::derivatives::{Activation, apply};
use gibbs_kernels::gemm::{Packed, matmul, matmul_tn};
use gibbs_kernels::rng::fill_normal_serial;

fn numbers(len: usize, seed: u128) -> Vec<f32> {
    let mut x = vec![0.0; len];
    fill_normal_serial(seed, &mut x);
    x
}

/// Microseconds: the least and the median of runs for about a tenth of a second.
fn least(mut run: impl FnMut()) -> (f64, f64) {
    let mut times = Vec::new();
    let start = Instant::now();
    while times.len() < 60 || (start.elapsed().as_millis() < 100 && times.len() < 20_000) {
        let start = Instant::now();
        run();
        times.push(start.elapsed().as_secs_f64() * 1e6);
    }
    times.sort_by(f64::total_cmp);
    (times[0], times[times.len() / 2])
}

/// Prints times, and billions of operations a second by the least.
fn report(name: &str, operations: usize, run: impl FnMut()) {
    let (least, median) = least(run);
    println!("{name:52} {least:10.2} us least, {median:10.2} median, {:7.2}e9/s", operations as f64 / least * 1e-3);
}

fn products() {
    for (m, k, n) in [(128, 128, 128), (256, 128, 128), (128, 2, 128), (128, 1, 128), (128, 128, 1), (512, 784, 500)] {
        let (a, b, g) = (numbers(m * k, 1), numbers(k * n, 2), numbers(m * n, 3));
        let (mut packed, bias) = (Packed::new(k, n, &b), numbers(n, 4));
        let (mut out, mut grad) = (vec![0.0; m * n], vec![0.0; k * n]);
        let (shape, operations) = (format!("{m} x {k} x {n}"), 2 * m * k * n);
        report(&format!("A B + bias, {shape}"), operations, || {
            matmul(m, &a, &packed, Some(&bias), false, black_box(&mut out));
        });
        report(&format!("A B, {shape}, crate gemm"), operations, || {
            alternatives::dense(black_box(&mut out), (m, n, k), (&a, k, 1), (&b, n, 1), 0.0);
        });
        report(&format!("A' G, {shape}"), operations, || {
            matmul_tn(m, k, n, &a, &g, false, black_box(&mut grad));
        });
        report(&format!("A' G, {shape}, crate gemm"), operations, || {
            alternatives::dense(black_box(&mut grad), (k, n, m), (&a, 1, k), (&g, n, 1), 0.0);
        });
        report(&format!("repack, {k} x {n}"), k * n, || packed.repack(k, n, black_box(&b)));
        report(&format!("repack_transposed, {k} x {n}"), k * n, || packed.repack_transposed(k, n, black_box(&b)));
    }
}

fn convolutions() {
    let n = 4;
    for (size, ci, co, stride) in [(28, 1, 32, 1), (28, 32, 64, 2), (14, 64, 128, 2), (7, 128, 128, 2)] {
        let g = Geometry { h: size, w: size, ci, co, kh: 3, kw: 3, stride, pad: 1 };
        let (mut x, mut y, mut k) =
            (numbers(n * g.input_len(), 1), numbers(n * g.output_len(), 2), numbers(g.kernel_len(), 3));
        let (filters, adjoint) = (Filters::new(g, &k), AdjointFilters::new(g, &k));
        let operations = 2 * n * g.oh() * g.ow() * g.kernel_len();
        let layer = format!("{size} x {size} x {ci} to {co}, stride {stride}");
        report(&format!("forward, {layer}"), operations, || forward(n, &x, &filters, None, black_box(&mut y)));
        report(&format!("input_adjoint, {layer}"), operations, || input_adjoint(n, &y, &adjoint, black_box(&mut x)));
        report(&format!("weight_adjoint, {layer}"), operations, || {
            weight_adjoint(&g, n, &x, &y, false, black_box(&mut k));
        });
    }
}

fn elementwise() {
    let z = numbers(128 * 128, 1);
    let bias = numbers(128, 2);
    let mut outs: [Vec<f32>; 4] = std::array::from_fn(|_| z.clone());
    let kinds = [
        Activation::Silu,
        Activation::Softplus,
        Activation::Tanh,
        Activation::Gelu,
        Activation::Elu,
        Activation::LeakyRelu(0.1),
        Activation::Sigmoid,
    ];
    for kind in kinds {
        for last in [0, 1, 3] {
            report(&format!("{kind:?}, 128 x 128, to derivative {last}"), z.len(), || {
                let mut order = 0..;
                let outs = outs.each_mut().map(|out| (order.next() <= Some(last)).then_some(out.as_mut_slice()));
                apply(kind, &z, Some(&bias), black_box(outs));
            });
        }
    }
    let mut x = vec![0.0; 1 << 16];
    for n in [64, 256, 4096, 1 << 16] {
        report(&format!("fill_normal_serial, {n}"), n, || fill_normal_serial(1, black_box(&mut x[..n])));
    }
}

fn main() {
    products();
    convolutions();
    elementwise();
}
