//! Reusable buffers, owned by the caller.

/// A pool of buffers: an operation takes what it needs and gives it back, so a loop in its steady state
/// allocates nothing.
///
/// # Example
/// ```
/// use gibbs_core::scratch::Scratch;
/// let mut ws = Scratch::default();
/// let buffer = ws.take_f32(100);
/// assert!(buffer.iter().all(|&v| v == 0.0));
/// ws.give_f32(buffer);
/// ```
#[derive(Debug, Default)]
pub struct Scratch {
    f32s: Vec<Vec<f32>>,
    f64s: Vec<Vec<f64>>,
    u64s: Vec<Vec<u64>>,
}

macro_rules! pool {
    ($take:ident, $give:ident, $field:ident, $t:ty, $zero:expr) => {
        /// A zeroed buffer of `len` numbers.
        pub fn $take(&mut self, len: usize) -> Vec<$t> {
            let mut buffer = self.$field.pop().unwrap_or_default();
            buffer.clear();
            buffer.resize(len, $zero);
            buffer
        }

        /// Returns a buffer to the pool.
        pub fn $give(&mut self, buffer: Vec<$t>) {
            self.$field.push(buffer);
        }
    };
}

impl Scratch {
    pool!(take_f32, give_f32, f32s, f32, 0.0);
    pool!(take_f64, give_f64, f64s, f64, 0.0);
    pool!(take_u64, give_u64, u64s, u64, 0);
}
