//! Which instruction set the kernels use.

use std::sync::OnceLock;

/// An instruction set the kernels have a variant for; each has what those before it have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Portable code.
    Scalar,
    /// 256-bit vectors with fused multiply-add (x86-64-v3).
    Avx2Fma,
    /// 512-bit vectors (x86-64-v4), for kernels that gain by them; the others use those of [`Level::Avx2Fma`].
    Avx512,
}

impl Level {
    const ALL: [Level; 3] = [Level::Scalar, Level::Avx2Fma, Level::Avx512];

    /// The name a manifest records.
    ///
    /// ```
    /// assert_eq!(gibbs_kernels::Level::Scalar.name(), "scalar");
    /// ```
    pub fn name(self) -> &'static str {
        match self {
            Level::Scalar => "scalar",
            Level::Avx2Fma => "avx2+fma",
            Level::Avx512 => "avx512",
        }
    }
}

/// The instruction set in use, found once: the best this processor has, but none above the one the environment variable
/// `GIBBS_KERNELS` names ([`Level::name`]).
pub fn level() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(|| {
        let asked = std::env::var("GIBBS_KERNELS").ok();
        let most = Level::ALL.into_iter().find(|l| asked.as_deref() == Some(l.name()));
        most.map_or(detect(), |most| most.min(detect()))
    })
}

/// What the processor has, whatever the environment asks for.
pub(crate) fn detect() -> Level {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("bmi2") {
        let wide = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq");
        return if wide { Level::Avx512 } else { Level::Avx2Fma };
    }
    Level::Scalar
}

/// All that this processor has, the plain one first.
#[cfg(test)]
pub(crate) fn available() -> impl Iterator<Item = Level> {
    Level::ALL.into_iter().filter(|l| *l <= detect())
}
