//! Many small pictures in a grid, as one PNG.

use super::escape;

/// How values become colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// 0 is white, 1 is black.
    Grey,
    /// Negative is blue, zero white, positive red; each picture on its own scale.
    Signed,
}

/// Pictures of one size.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageGrid {
    /// Height and width of each.
    pub shape: (usize, usize),
    /// The pictures, row-major.
    pub images: Vec<Vec<f32>>,
    /// How values become colours.
    pub scale: Scale,
    /// A plain sentence on what one sees.
    pub caption: String,
}

impl ImageGrid {
    pub(super) fn to_html(&self) -> String {
        let (h, w) = self.shape;
        let n = self.images.len();
        let caption = escape(&self.caption);
        if n == 0 || h == 0 || w == 0 || self.images.iter().any(|i| i.len() != h * w) {
            return format!("<p class=\"caption\">{caption} (no pictures)</p>");
        }
        // About twice as wide as high.
        let columns = ((2.0 * n as f64 * h as f64 / w as f64).sqrt().ceil() as usize).clamp(1, n);
        let rows = n.div_ceil(columns);
        let (width, height) = (columns * (w + 1) + 1, rows * (h + 1) + 1);
        let mut pixels = vec![0xB8u8; width * height * 3];
        for (i, image) in self.images.iter().enumerate() {
            let (x0, y0) = (i % columns * (w + 1) + 1, i / columns * (h + 1) + 1);
            let largest = image.iter().fold(0.0f32, |m, v| if v.is_finite() { m.max(v.abs()) } else { m });
            for (k, &v) in image.iter().enumerate() {
                let at = ((y0 + k / w) * width + x0 + k % w) * 3;
                pixels[at..at + 3].copy_from_slice(&self.scale.colour(v, largest));
            }
        }
        let Ok(png) = encode_png(&pixels, width, height) else {
            return format!("<p class=\"caption\">{caption} (the picture could not be encoded)</p>");
        };
        let shown = (width * 4).clamp(240, 860);
        format!(
            "<figure><img class=\"pixels\" style=\"width:{shown}px\" alt=\"{caption}\" \
             src=\"data:image/png;base64,{}\"><figcaption>{caption}</figcaption></figure>",
            base64(&png)
        )
    }
}

impl Scale {
    fn colour(self, v: f32, largest: f32) -> [u8; 3] {
        if !v.is_finite() {
            return [0xFF, 0xD0, 0x00];
        }
        match self {
            Scale::Grey => [(255.0 * (1.0 - v.clamp(0.0, 1.0))).round() as u8; 3],
            Scale::Signed => {
                let t = if largest > 0.0 { v / largest } else { 0.0 };
                let fade = |full: f32| (255.0 + (full - 255.0) * t.abs()).round() as u8;
                if t >= 0.0 { [fade(178.0), fade(24.0), fade(43.0)] } else { [fade(33.0), fade(102.0), fade(172.0)] }
            }
        }
    }
}

fn encode_png(rgb: &[u8], width: usize, height: usize) -> Result<Vec<u8>, png::EncodingError> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(rgb)?;
    writer.finish()?;
    Ok(out)
}

/// Base 64 with padding (RFC 4648, section 4).
pub(super) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().enumerate().fold(0u32, |w, (i, &b)| w | u32::from(b) << (16 - 8 * i));
        for k in 0..4 {
            let digit = ALPHABET[(word >> (18 - 6 * k) & 63) as usize];
            out.push(if k > chunk.len() { '=' } else { char::from(digit) });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_of_the_rfc() {
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}
