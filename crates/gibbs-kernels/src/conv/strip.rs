//! What the kernels of dense products are given where rows lie scattered.

use super::gather::Part;
use crate::gemm::loops::Finish;
use crate::gemm::packed::PANEL;

/// One panel or two of a product, for one padded image.
pub(super) struct Strip<'a> {
    pub(super) part: &'a Part,
    pub(super) padded: *const f32,
    pub(super) out: *mut f32,
    /// Panels of the kernel, `panel_stride` apart.
    pub(super) panels: *const f32,
    pub(super) panel_stride: usize,
    pub(super) finish: Finish<'a>,
}

/// The columns of `panels` panels from `col` on, for one padded image.
///
/// # Safety
/// `multiply` must be for this processor and take so many panels, and write the results of its strip and nothing else.
pub(super) unsafe fn product(
    (multiply, panels): (unsafe fn(&Strip), usize),
    part: &Part,
    col: usize,
    padded: &[f32],
    bias: Option<&[f32]>,
    out: &mut [f32],
) {
    let (k, n) = (part.packed.k(), part.packed.n());
    let cols = (n - col).min(panels * PANEL);
    let panels = part.packed.floats()[col * k..][..cols.next_multiple_of(PANEL) * k].as_ptr();
    let finish = Finish { cols, bias: bias.map(|bias| &bias[col..][..cols]), add: false };
    let (padded, out) = (padded.as_ptr(), out[col..].as_mut_ptr());
    // SAFETY: runs end within a padded image and results within an image, by the assertions of `Part` and of the caller; a
    // panel holds a line for each number of a row.
    unsafe { multiply(&Strip { part, padded, out, panels, panel_stride: k * PANEL, finish }) };
}
