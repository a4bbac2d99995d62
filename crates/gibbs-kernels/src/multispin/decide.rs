//! Random decisions of 256 sites that fall into classes.

use super::vector::Vector;

/// The most classes: nine values of each of two sums, and an observed bit.
const MAX: usize = 162;

/// Sites in disjoint classes, each with its probability to be up.
pub(super) struct Classes<V> {
    masks: [V; MAX],
    thresholds: [u32; MAX],
    len: usize,
}

impl<V: Vector> Classes<V> {
    #[inline(always)]
    pub(super) fn new() -> Self {
        Self { masks: [V::splat(0); MAX], thresholds: [0; MAX], len: 0 }
    }

    /// Forgets all classes.
    #[inline(always)]
    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    /// Adds a class, unless it is empty.
    #[inline(always)]
    pub(super) fn push(&mut self, mask: V, threshold: u32) {
        if !mask.is_zero() {
            self.masks[self.len] = mask;
            self.thresholds[self.len] = threshold;
            self.len += 1;
        }
    }

    /// The sites whose random number is below their threshold. `open` holds the sites of all classes.
    #[inline(always)]
    pub(super) fn decide(&self, mut open: V, random: &mut V::Random) -> V {
        let mut event = V::splat(0);
        for z in 0..32 {
            let mut bit = V::splat(0);
            for (mask, threshold) in self.masks[..self.len].iter().zip(&self.thresholds) {
                // All ones where the threshold has this bit.
                let on = u64::from(threshold >> (31 - z) & 1).wrapping_neg();
                bit = bit.or(mask.and(V::splat(on)));
            }
            let differs = bit.xor(V::next(random));
            event = event.or(open.and(bit).and(differs));
            open = differs.not_and(open);
            // 256 sites are rarely all decided before: asking costs more than it saves.
            if z >= 6 && open.is_zero() {
                break;
            }
        }
        event
    }
}

/// Where the number with these binary digits is `value`.
#[inline(always)]
pub(super) fn equal<V: Vector>(digits: &[V], value: usize) -> V {
    let mut all = V::splat(u64::MAX);
    for (k, digit) in digits.iter().enumerate() {
        all = if value >> k & 1 == 1 { all.and(*digit) } else { digit.not_and(all) };
    }
    all
}
