//! Which instruction set the kernels use.

use std::sync::OnceLock;

/// An instruction set the kernels have a variant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Portable code.
    Scalar,
    /// 256-bit vectors with fused multiply-add (x86-64-v3).
    Avx2Fma,
}

impl Level {
    /// The name a manifest records.
    ///
    /// ```
    /// assert_eq!(gibbs_kernels::Level::Scalar.name(), "scalar");
    /// ```
    pub fn name(self) -> &'static str {
        match self {
            Level::Scalar => "scalar",
            Level::Avx2Fma => "avx2+fma",
        }
    }
}

/// The instruction set in use, found once: the best this processor has, or [`Level::Scalar`] when the environment
/// variable `GIBBS_KERNELS` is `scalar`.
pub fn level() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(|| {
        if std::env::var_os("GIBBS_KERNELS").is_some_and(|v| v == "scalar") { Level::Scalar } else { detect() }
    })
}

/// What the processor has, whatever the environment asks for.
pub(crate) fn detect() -> Level {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("bmi2") {
        return Level::Avx2Fma;
    }
    Level::Scalar
}
