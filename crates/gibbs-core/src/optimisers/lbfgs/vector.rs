//! Vectors that `argmin` computes with: shared, so that its many copies cost nothing, and summed in an order that no
//! number of threads changes.

use std::sync::Arc;

use argmin_math::{
    ArgminAdd, ArgminDot, ArgminL1Norm, ArgminL2Norm, ArgminMinMax, ArgminMul, ArgminScaledAdd, ArgminSignum,
    ArgminSub, ArgminZeroLike,
};
use rayon::prelude::*;

/// Numbers that one thread takes at a time: a constant, because sums are taken block by block.
const BLOCK: usize = 1 << 14;

/// A vector that is never changed.
#[derive(Clone, Debug)]
pub struct Vector(Arc<Vec<f64>>);

impl Vector {
    pub fn new(values: Vec<f64>) -> Self {
        Self(Arc::new(values))
    }

    pub fn as_slice(&self) -> &[f64] {
        &self.0
    }

    /// Whether both are the same vector in memory, which is enough to remember what was last evaluated.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    fn map(&self, f: impl Fn(f64) -> f64 + Sync) -> Self {
        let mut out = vec![0.0; self.0.len()];
        let blocks = out.par_chunks_mut(BLOCK).zip(self.0.par_chunks(BLOCK));
        blocks.for_each(|(o, a)| o.iter_mut().zip(a).for_each(|(o, a)| *o = f(*a)));
        Self::new(out)
    }

    fn zip(&self, other: &Self, f: impl Fn(f64, f64) -> f64 + Sync) -> Self {
        let mut out = vec![0.0; self.0.len()];
        let blocks = out.par_chunks_mut(BLOCK).zip(self.0.par_chunks(BLOCK)).zip(other.0.par_chunks(BLOCK));
        blocks.for_each(|((o, a), b)| o.iter_mut().zip(a).zip(b).for_each(|((o, a), b)| *o = f(*a, *b)));
        Self::new(out)
    }
}

/// `sum_i a_i b_i`: eight partial sums in a block, blocks in order.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    let block = |(a, b): (&[f64], &[f64])| {
        let (a, a_rest) = a.as_chunks::<8>();
        let (b, b_rest) = b.as_chunks::<8>();
        let mut lanes = [0.0; 8];
        for (a, b) in a.iter().zip(b) {
            for k in 0..8 {
                lanes[k] += a[k] * b[k];
            }
        }
        let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
        lanes.iter().sum::<f64>() + rest
    };
    if a.len() <= BLOCK {
        return block((a, b));
    }
    let sums: Vec<f64> = a.par_chunks(BLOCK).zip(b.par_chunks(BLOCK)).map(block).collect();
    sums.iter().sum()
}

impl ArgminDot<Vector, f64> for Vector {
    fn dot(&self, other: &Vector) -> f64 {
        dot(&self.0, &other.0)
    }
}

impl ArgminL2Norm<f64> for Vector {
    fn l2_norm(&self) -> f64 {
        dot(&self.0, &self.0).sqrt()
    }
}

impl ArgminL1Norm<f64> for Vector {
    fn l1_norm(&self) -> f64 {
        self.0.iter().map(|x| x.abs()).sum()
    }
}

impl ArgminAdd<Vector, Vector> for Vector {
    fn add(&self, other: &Vector) -> Vector {
        self.zip(other, |a, b| a + b)
    }
}

impl ArgminAdd<f64, Vector> for Vector {
    fn add(&self, other: &f64) -> Vector {
        self.map(|a| a + other)
    }
}

impl ArgminSub<Vector, Vector> for Vector {
    fn sub(&self, other: &Vector) -> Vector {
        self.zip(other, |a, b| a - b)
    }
}

impl ArgminSub<f64, Vector> for Vector {
    fn sub(&self, other: &f64) -> Vector {
        self.map(|a| a - other)
    }
}

impl ArgminMul<f64, Vector> for Vector {
    fn mul(&self, other: &f64) -> Vector {
        self.map(|a| a * other)
    }
}

impl ArgminMul<Vector, Vector> for Vector {
    fn mul(&self, other: &Vector) -> Vector {
        self.zip(other, |a, b| a * b)
    }
}

impl ArgminScaledAdd<Vector, f64, Vector> for Vector {
    fn scaled_add(&self, factor: &f64, other: &Vector) -> Vector {
        self.zip(other, |a, b| a + factor * b)
    }
}

impl ArgminZeroLike for Vector {
    fn zero_like(&self) -> Vector {
        Vector::new(vec![0.0; self.0.len()])
    }
}

impl ArgminSignum for Vector {
    fn signum(self) -> Vector {
        self.map(f64::signum)
    }
}

impl ArgminMinMax for Vector {
    fn min(x: &Vector, y: &Vector) -> Vector {
        x.zip(y, f64::min)
    }

    fn max(x: &Vector, y: &Vector) -> Vector {
        x.zip(y, f64::max)
    }
}
