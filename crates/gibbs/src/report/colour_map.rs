//! One sequential colour map, and the scale that turns values into its colours.
//!
//! The map is a curve through the `OKLab` space (B. Ottosson, "A perceptual color space for image processing", 2020),
//! in which equal distances look equally different: lightness rises throughout while the hue turns from violet over
//! blue and green to yellow, and the curve is divided into pieces of equal length. It reads in grey, and by
//! colour-blind readers, because lightness alone already orders it.

use std::sync::OnceLock;

use super::axes::{tick, ticks};
use crate::error::Error;

/// Colours of the map; the other entries of a palette of 256 have meanings of their own.
pub(super) const LEVELS: usize = 252;
/// Palette entry of values that have no colour: not a number, infinite, or negative on a logarithmic scale.
pub(super) const MARKED: u8 = 252;
/// Palette entry of dark lines.
pub(super) const INK: u8 = 253;
/// Palette entry of light ground and of points.
pub(super) const PAPER: u8 = 254;
/// The colour of [`MARKED`], on no part of the map.
pub(super) const MARKED_HEX: &str = "#ff00b4";

/// Decades that a logarithmic scale shows below the largest value unless told otherwise.
const DECADES: f64 = 6.0;
/// Values are drawn as if no larger than this, so that differences of them are finite.
const HUGE: f64 = 1e300;

/// Red, green and blue of `OKLab` (L, a, b), in 0..=255.
fn srgb(lightness: f64, a: f64, b: f64) -> [u8; 3] {
    let l = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
    let m = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
    let s = (lightness - 0.089_484_177_5 * a - 1.291_485_548_0 * b).powi(3);
    let linear = [
        4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s,
        -1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s,
        -0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701_0 * s,
    ];
    // The transfer function of IEC 61966-2-1.
    linear.map(|c| {
        let c = c.clamp(0.0, 1.0);
        let coded = if c <= 0.003_130_8 { 12.92 * c } else { 1.055 * c.powf(1.0 / 2.4) - 0.055 };
        (255.0 * coded).round() as u8
    })
}

/// The curve at `t` in `[0, 1]`; its chroma stays inside sRGB everywhere.
fn curve(t: f64) -> [f64; 3] {
    let lightness = 0.24 + 0.68 * t;
    let hue = (310.0 - 205.0 * t).to_radians();
    let s = t - 0.45;
    let chroma = 0.096 + 0.15 * s * s + 0.3 * s * s * s;
    [lightness, chroma * hue.cos(), chroma * hue.sin()]
}

/// The 256 colours: the map, then marked, ink, paper and one spare.
pub(super) fn palette() -> &'static [[u8; 3]; 256] {
    static PALETTE: OnceLock<[[u8; 3]; 256]> = OnceLock::new();
    PALETTE.get_or_init(|| {
        const STEPS: usize = 4096;
        let points: Vec<[f64; 3]> = (0..=STEPS).map(|i| curve(i as f64 / STEPS as f64)).collect();
        let mut length = vec![0.0; STEPS + 1];
        for i in 1..=STEPS {
            let d = (0..3).map(|k| (points[i][k] - points[i - 1][k]).powi(2)).sum::<f64>().sqrt();
            length[i] = length[i - 1] + d;
        }
        let mut colours = [[0xFF; 3]; 256];
        for (k, colour) in colours.iter_mut().take(LEVELS).enumerate() {
            let wanted = length[STEPS] * k as f64 / (LEVELS - 1) as f64;
            let [l, a, b] = points[length.partition_point(|d| *d < wanted).min(STEPS)];
            *colour = srgb(l, a, b);
        }
        colours[usize::from(MARKED)] = [0xFF, 0x00, 0xB4];
        colours[usize::from(INK)] = [0x1B, 0x1F, 0x24];
        colours[usize::from(PAPER)] = [0xFF, 0xFF, 0xFF];
        colours
    })
}

/// A picture of palette entries as PNG.
pub(super) fn encode_png(entries: &[u8], width: usize, height: usize) -> Result<Vec<u8>, png::EncodingError> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width as u32, height as u32);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(palette().concat());
    let mut writer = encoder.write_header()?;
    writer.write_image_data(entries)?;
    writer.finish()?;
    Ok(out)
}

/// How values are spaced along the colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spacing {
    /// Equal differences look equal.
    Linear,
    /// Equal ratios look equal; zero takes the lowest colour.
    Log,
}

/// From values to colours, with the words beside the colour bar.
///
/// Without [`between`](Self::between) the range is that of the finite values drawn; on a logarithmic scale, at most the
/// six decades below the largest.
///
/// # Example
/// ```
/// use gibbs::report::ColourScale;
/// let scale = ColourScale::linear("log p (nats)").between(-12.0, 0.0)?;
/// assert!(ColourScale::log("p").between(0.0, 1.0).is_err());
/// # Ok::<(), gibbs::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ColourScale {
    label: String,
    spacing: Spacing,
    range: Option<(f64, f64)>,
}

impl ColourScale {
    /// A linear scale; `label` names the quantity and its unit.
    pub fn linear(label: &str) -> Self {
        Self { label: label.into(), spacing: Spacing::Linear, range: None }
    }

    /// A logarithmic scale; `label` names the quantity and its unit.
    pub fn log(label: &str) -> Self {
        Self { label: label.into(), spacing: Spacing::Log, range: None }
    }

    /// The same scale over a given range; values outside it take the colour of its nearer end.
    ///
    /// # Errors
    /// [`Error::Usage`] unless `low < high`, both finite, and `low > 0` on a logarithmic scale.
    pub fn between(self, low: f64, high: f64) -> Result<Self, Error> {
        let ordered = low.is_finite() && high.is_finite() && low < high;
        if !ordered || (self.spacing == Spacing::Log && low <= 0.0) {
            return Err(Error::Usage(format!(
                "the colour scale \"{}\" cannot run from {low} to {high}: it needs low < high, both finite{}",
                self.label,
                if self.spacing == Spacing::Log { ", and low > 0 because it is logarithmic" } else { "" }
            )));
        }
        Ok(Self { range: Some((low, high)), ..self })
    }

    /// The scale over the given values; `None` if none of them has a colour and no range was set.
    pub(super) fn resolve<'a>(&self, values: impl Iterator<Item = &'a f64>) -> Option<Resolved> {
        let log = self.spacing == Spacing::Log;
        let drawable = values.copied().filter(|v| v.is_finite() && (!log || *v > 0.0));
        let (mut low, mut high) = match self.range {
            Some(range) => range,
            None => drawable.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v))),
        };
        if low > high {
            return None;
        }
        (low, high) = (low.clamp(-HUGE, HUGE), high.clamp(-HUGE, HUGE));
        let forward = |v: f64| if log { v.max(f64::MIN_POSITIVE).log10() } else { v };
        let mut ends = (forward(low), forward(high));
        if log && self.range.is_none() {
            ends.0 = ends.0.max(ends.1 - DECADES);
        }
        // A constant field has a colour too: the middle one. Ranges below the resolution of numbers count as constant.
        if ends.1 - ends.0 <= 1e-12 * ends.0.abs().max(ends.1.abs()).max(1e-280) {
            let room = if log { 0.5 } else { 0.5 * low.abs().max(1.0) };
            ends = (ends.0 - room, ends.1 + room);
        }
        Some(Resolved { label: self.label.clone(), spacing: self.spacing, low: ends.0, high: ends.1 })
    }
}

/// A scale whose range is known; `low` and `high` are decimal logarithms on a logarithmic scale.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Resolved {
    pub(super) label: String,
    spacing: Spacing,
    low: f64,
    high: f64,
}

impl Resolved {
    /// Where `value` lies, 0 at the low end and 1 at the high end, beyond them outside; `None` if it has no colour.
    pub(super) fn position(&self, value: f64) -> Option<f64> {
        let v = match self.spacing {
            _ if !value.is_finite() => return None,
            Spacing::Log if value < 0.0 => return None,
            Spacing::Log => value.max(f64::MIN_POSITIVE).log10(),
            Spacing::Linear => value.clamp(-HUGE, HUGE),
        };
        Some((v - self.low) / (self.high - self.low))
    }

    /// The palette entry of `value`.
    pub(super) fn entry(&self, value: f64) -> u8 {
        self.position(value).map_or(MARKED, |t| (t.clamp(0.0, 1.0) * (LEVELS - 1) as f64).round() as u8)
    }

    /// About `wanted` round values inside the range: positions and texts.
    pub(super) fn ticks(&self, wanted: usize) -> Vec<(f64, String)> {
        let place = |v: f64| (v - self.low) / (self.high - self.low);
        if self.spacing == Spacing::Linear {
            return ticks(self.low, self.high, wanted).into_iter().map(|v| (place(v), tick(v))).collect();
        }
        let decades = self.high - self.low;
        let stride = (decades / wanted.max(1) as f64).ceil().max(1.0) as i64;
        let multiples: &[u32] = match decades {
            d if d > 0.45 * wanted as f64 => &[1],
            _ => &[1, 2, 5],
        };
        let exponents = self.low.floor() as i64..=self.high.ceil() as i64;
        exponents
            .filter(|e| e.rem_euclid(stride) == 0)
            .flat_map(|e| multiples.iter().map(move |&m| (m, e)))
            .map(|(m, e)| (place(f64::from(m).log10() + e as f64), power_text(m, e)))
            .filter(|(t, _)| (-1e-9..=1.0 + 1e-9).contains(t))
            .collect()
    }

    /// The ends in words.
    pub(super) fn in_words(&self) -> String {
        let back = |v: f64| if self.spacing == Spacing::Log { 10f64.powf(v) } else { v };
        format!("{} from {} to {}", self.label, super::number(back(self.low)), super::number(back(self.high)))
    }
}

/// `m` times ten to the `e`: plain near one, else with a raised exponent.
fn power_text(m: u32, e: i64) -> String {
    if (-3..=3).contains(&e) {
        return tick(f64::from(m) * 10f64.powi(e as i32));
    }
    let raised: String = e
        .to_string()
        .chars()
        .map(|c| match c {
            '-' => '\u{207B}',
            '1' => '\u{B9}',
            '2' => '\u{B2}',
            '3' => '\u{B3}',
            digit => char::from_u32(0x2070 + digit.to_digit(10).unwrap_or(0)).unwrap_or(digit),
        })
        .collect();
    if m == 1 { format!("10{raised}") } else { format!("{m}\u{B7}10{raised}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `OKLab` of an sRGB colour, by the inverse matrices of the same source: an independent way back.
    fn oklab(rgb: [u8; 3]) -> [f64; 3] {
        let [r, g, b] = rgb.map(|c| {
            let c = f64::from(c) / 255.0;
            if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        });
        let l = (0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b).cbrt();
        let m = (0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b).cbrt();
        let s = (0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b).cbrt();
        [
            0.210_454_255_3 * l + 0.793_617_785_0 * m - 0.004_072_046_8 * s,
            1.977_998_495_1 * l - 2.428_592_205_0 * m + 0.450_593_709_9 * s,
            0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766_0 * s,
        ]
    }

    fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
        (0..3).map(|k| (a[k] - b[k]).powi(2)).sum::<f64>().sqrt()
    }

    /// The largest departure from the mean of the perceived distances between every 21st colour.
    fn unevenness(colours: &[[u8; 3]]) -> f64 {
        let lab: Vec<[f64; 3]> = colours.iter().step_by(21).map(|c| oklab(*c)).collect();
        let steps: Vec<f64> = lab.windows(2).map(|w| distance(w[0], w[1])).collect();
        let mean = steps.iter().sum::<f64>() / steps.len() as f64;
        steps.iter().fold(0.0, |m, s| m.max((s - mean).abs()))
    }

    /// Rounding to bytes moves a colour by at most half a unit a channel, which near black is 0.003 in `OKLab`; both
    /// ends of a step together 0.006. The chord of an arc that turns by 17 degrees (205 over 12 steps) is shorter than
    /// the arc by less than 0.4 % of 0.08. So 0.01 bounds an even map, and a rainbow is beyond it.
    #[test]
    fn equal_steps_look_equal_and_lightness_rises() {
        let map = &palette()[..LEVELS];
        assert!(unevenness(map) < 0.01, "{}", unevenness(map));
        let hump = |t: f64, middle: f64| (255.0 * (1.5 - 4.0 * (t - middle).abs()).clamp(0.0, 1.0)) as u8;
        let rainbow: Vec<[u8; 3]> =
            (0..LEVELS).map(|k| k as f64 / 251.0).map(|t| [hump(t, 0.75), hump(t, 0.5), hump(t, 0.25)]).collect();
        assert!(unevenness(&rainbow) > 0.05, "{}", unevenness(&rainbow));
        let lab: Vec<[f64; 3]> = map.iter().map(|c| oklab(*c)).collect();
        assert!(lab.windows(22).all(|w| w[0][0] + 0.02 < w[21][0]));
        // Nothing on the map is mistaken for the marked colour.
        let marked = oklab(palette()[usize::from(MARKED)]);
        assert!(lab.iter().all(|c| distance(*c, marked) > 0.15));
    }

    #[test]
    fn ends_and_values_without_a_colour() {
        let values = [-3.0, 1.0, f64::NAN, f64::INFINITY];
        let scale = ColourScale::linear("E").resolve(values.iter()).expect("two values");
        assert_eq!((scale.entry(-3.0), scale.entry(1.0), scale.entry(-1.0)), (0, 251, 126));
        assert_eq!((scale.entry(f64::NAN), scale.entry(f64::NEG_INFINITY)), (MARKED, MARKED));
        let log = ColourScale::log("p").resolve([1e-40, 1.0, 0.0].iter()).expect("two values");
        assert_eq!((log.entry(0.0), log.entry(1e-6), log.entry(1.0), log.entry(-1.0)), (0, 0, 251, MARKED));
        assert_eq!(log.entry(1e-3), 126);
        assert!(ColourScale::linear("E").resolve([f64::NAN].iter()).is_none());
        let constant = ColourScale::linear("E").resolve([7.0; 4].iter()).expect("a value");
        assert_eq!(constant.entry(7.0), 126);
    }

    #[test]
    fn extremes_neither_hang_nor_panic() {
        let odd = [0.0, f64::MAX, f64::MIN, 5e-324, f64::MIN_POSITIVE, 1.0, 1.0 + f64::EPSILON];
        for a in odd {
            for b in odd {
                for scale in [ColourScale::linear("E"), ColourScale::log("p")] {
                    if let Some(r) = scale.resolve([a, b].iter()) {
                        assert!(r.ticks(5).len() < 60 && r.entry(a) <= MARKED && r.entry(b) <= MARKED);
                    }
                }
            }
        }
    }

    #[test]
    fn ranges_are_checked() {
        assert!(ColourScale::linear("E").between(1.0, 1.0).is_err());
        assert!(ColourScale::linear("E").between(f64::NAN, 1.0).is_err());
        assert!(ColourScale::log("p").between(-1.0, 1.0).is_err());
        let set = ColourScale::log("p").between(1e-8, 1.0).expect("in order");
        let texts: Vec<String> = set.resolve([].iter()).expect("set").ticks(4).into_iter().map(|t| t.1).collect();
        assert_eq!(texts, ["10\u{207B}\u{2078}", "10\u{207B}\u{2076}", "10\u{207B}\u{2074}", "0.01", "1"]);
    }
}
