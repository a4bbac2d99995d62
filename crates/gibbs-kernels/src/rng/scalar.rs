//! The plain twin.

use super::{DOMAIN, Lanes};
use crate::philox::philox4x32;

/// Lane `l` starts from the Philox block of counter `(block, l)`.
pub(super) fn seed(key: u128, block: u64) -> Lanes {
    let k: [u32; 4] = std::array::from_fn(|i| (key >> (32 * i)) as u32);
    let mut state = [[0; 8]; 4];
    for lane in 0..8 {
        let counter = [block as u32 ^ k[2], (block >> 32) as u32 ^ k[3], lane as u32, DOMAIN];
        let mut words = philox4x32(counter, [k[0], k[1]]);
        if words == [0; 4] {
            words[0] = 1; // the one state that xoshiro never leaves
        }
        for (row, word) in state.iter_mut().zip(words) {
            row[lane] = word;
        }
    }
    Lanes { state }
}

pub(super) fn uniform(lanes: &mut Lanes, out: &mut [f32]) {
    for out in out.chunks_mut(8) {
        let x = lanes.next_u32s();
        out.iter_mut().zip(x).for_each(|(o, x)| *o = (x >> 8) as f32 * (1.0 / (1 << 24) as f32));
    }
}

pub(super) fn normal(lanes: &mut Lanes, out: &mut [f32]) {
    for out in out.chunks_mut(16) {
        let (x, y) = (lanes.next_u32s(), lanes.next_u32s());
        let mut pair = [0.0; 16];
        for l in 0..8 {
            (pair[l], pair[8 + l]) = box_muller(x[l], y[l]);
        }
        out.copy_from_slice(&pair[..out.len()]);
    }
}

/// Two normal numbers: `sqrt(-2 log u) (cos a, sin a)` with `u = (x + 1) / 2^32` and `a = 2 pi y / 2^32`.
pub(super) fn box_muller(x: u32, y: u32) -> (f32, f32) {
    let radius = (-2.0 * ((x as f32 + 1.0) * 2f32.powi(-32)).ln()).sqrt();
    // The two highest bits, rounded, are the quarter; the rest is an angle in [-pi/4, pi/4), with its own precision.
    let quarter = y.wrapping_add(1 << 29) >> 30;
    let (sin, cos) = ((y << 2) as i32 as f32 * (std::f32::consts::FRAC_PI_4 / (1u32 << 31) as f32)).sin_cos();
    let (cos, sin) = match quarter {
        0 => (cos, sin),
        1 => (-sin, cos),
        2 => (-cos, -sin),
        _ => (sin, -cos),
    };
    (radius * cos, radius * sin)
}
