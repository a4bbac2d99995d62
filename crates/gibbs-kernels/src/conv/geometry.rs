//! Sizes of a convolution.

/// Sizes of a convolution of images in two dimensions with zeros around them.
///
/// # Example
/// ```
/// use gibbs_kernels::conv::Geometry;
/// let g = Geometry { h: 28, w: 28, ci: 32, co: 64, kh: 3, kw: 3, stride: 2, pad: 1 };
/// assert_eq!((g.oh(), g.ow()), (14, 14));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Rows of an input image.
    pub h: usize,
    /// Columns of an input image.
    pub w: usize,
    /// Numbers a pixel of the input.
    pub ci: usize,
    /// Numbers a pixel of the output.
    pub co: usize,
    /// Rows of the kernel.
    pub kh: usize,
    /// Columns of the kernel.
    pub kw: usize,
    /// Pixels from one window to the next, at least one.
    pub stride: usize,
    /// Rows and columns of zeros on each side.
    pub pad: usize,
}

impl Geometry {
    /// Rows of an output image, `(h + 2 pad - kh) / stride + 1` rounded down; zero if the kernel does not fit.
    pub fn oh(&self) -> usize {
        windows(self.h, self.kh, self.stride, self.pad)
    }

    /// Columns of an output image.
    pub fn ow(&self) -> usize {
        windows(self.w, self.kw, self.stride, self.pad)
    }

    /// Numbers of an input image.
    pub fn input_len(&self) -> usize {
        self.h * self.w * self.ci
    }

    /// Numbers of an output image.
    pub fn output_len(&self) -> usize {
        self.oh() * self.ow() * self.co
    }

    /// Numbers of the kernel.
    pub fn kernel_len(&self) -> usize {
        self.kh * self.kw * self.ci * self.co
    }
}

fn windows(size: usize, kernel: usize, stride: usize, pad: usize) -> usize {
    assert!(stride > 0, "a stride of at least one");
    (size + 2 * pad).checked_sub(kernel).map_or(0, |rest| rest / stride + 1)
}
