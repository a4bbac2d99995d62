//! The page: sections of blocks, and the HTML around them.

use std::fmt::Write;

use super::{Animation, Histogram, ImageGrid, Lines, Measured, Planes, escape};

/// How good the news is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// As it should be.
    Good,
    /// Look closer.
    Warning,
    /// Do not rely on it.
    Bad,
}

/// A table; cells that begin with a digit or a minus sign are set flush right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Column heads.
    pub head: Vec<String>,
    /// Rows.
    pub rows: Vec<Vec<String>>,
}

/// A piece of a section.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// Running text.
    Paragraph(String),
    /// Text that must not be missed.
    Notice(Level, String),
    /// A table.
    Table(Table),
    /// Line chart.
    Lines(Lines),
    /// Measured points with error bars.
    Measured(Measured),
    /// Histogram.
    Histogram(Histogram),
    /// Pictures.
    Images(ImageGrid),
    /// Panels of the plane: heat maps, points, arrows.
    Planes(Planes),
    /// An animated picture.
    Animation(Animation),
    /// Text as it is, folded away under a title.
    Folded(String, String),
}

/// A titled part of a page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    /// Its title.
    pub title: String,
    /// Its blocks.
    pub blocks: Vec<Block>,
}

/// A report.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// Title.
    pub title: String,
    /// One line below it.
    pub subtitle: String,
    /// Sections in order.
    pub sections: Vec<Section>,
}

const STYLE: &str = "
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#59636e;--line:#d8dee4;--paper:#fff;--wash:#f5f7f9;
--good:#1a7f37;--warn:#9a6700;--bad:#cf222e;--pale:.5}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9198a1;--line:#3d444d;--paper:#0d1117;--wash:#161b22;
--good:#3fb950;--warn:#d29922;--bad:#f85149;--pale:.85}}
body{font:16px/1.55 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:880px;margin:0 auto;padding:28px 20px 60px}
h1{font-size:1.75em;margin:0;letter-spacing:-.01em}h2{font-size:1.2em;margin:2.2em 0 .6em;padding-top:.8em;border-top:1px solid var(--line)}
.subtitle{color:var(--soft);margin:.2em 0 1.4em}
.notice{border-left:4px solid;background:var(--wash);padding:.7em 1em;margin:1em 0;border-radius:0 6px 6px 0}
.good{border-color:var(--good)}.warning{border-color:var(--warn)}.bad{border-color:var(--bad)}
.scroll{overflow-x:auto}table{border-collapse:collapse;margin:.6em 0;font-variant-numeric:tabular-nums;font-size:.94em}
th,td{padding:.35em .9em .35em 0;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}th{font-weight:600;color:var(--soft)}
td.n,th.n{text-align:right}
figure{margin:1.2em 0}figcaption,.caption{color:var(--soft);font-size:.9em;margin-top:.4em}
svg{width:100%;height:auto;display:block}svg text{font:12px system-ui,sans-serif;fill:var(--soft)}svg text.small{font-size:11px}
svg .grid{stroke:var(--line);stroke-width:1}svg .axis{stroke:var(--soft);stroke-width:1}
svg .marker{stroke:var(--soft);stroke-width:1;stroke-dasharray:4 4}
.planes{display:grid;align-items:start;grid-template-columns:repeat(auto-fit,minmax(min(100%,260px),1fr));gap:6px 12px}
.planes svg{max-width:430px}.planes svg text{font-size:13px}svg text.title{fill:var(--ink)}svg .frame{stroke:var(--soft);stroke-width:1}
svg .cells{image-rendering:pixelated}svg .dots{fill:none;stroke-linecap:round}svg .pale{stroke-opacity:var(--pale)}
svg .arrows{fill:none;stroke-linecap:round;stroke-linejoin:round}svg .ink{stroke:var(--ink)}
.legend{display:flex;flex-wrap:wrap;gap:2px 18px;margin:.4em 0 0;font-size:.9em;color:var(--soft)}
.legend span::before{content:\"\";display:inline-block;width:.7em;height:.7em;border-radius:50%;background:var(--c);margin-right:.4em}
img.pixels{image-rendering:pixelated;max-width:100%;height:auto;display:block;border:1px solid var(--line)}
pre{background:var(--wash);padding:1em;overflow-x:auto;font-size:.85em;border-radius:6px}summary{cursor:pointer;color:var(--soft)}
@media print{body{max-width:none}h2{break-after:avoid}figure{break-inside:avoid}}
";

impl Page {
    /// The page as one self-contained HTML file.
    ///
    /// # Example
    /// ```
    /// use gibbs::report::{Block, Page, Section};
    /// let page = Page {
    ///     title: "A < B".into(),
    ///     sections: vec![Section { title: "One".into(), blocks: vec![Block::Paragraph("Text.".into())] }],
    ///     ..Page::default()
    /// };
    /// assert!(page.to_html().contains("<h1>A &lt; B</h1>"));
    /// ```
    pub fn to_html(&self) -> String {
        let title = escape(&self.title);
        let mut out = format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
             <title>{title}</title><style>{STYLE}</style></head><body><h1>{title}</h1><p class=\"subtitle\">{}</p>\n",
            escape(&self.subtitle)
        );
        for section in &self.sections {
            if !section.title.is_empty() {
                let _ = writeln!(out, "<h2>{}</h2>", escape(&section.title));
            }
            for block in &section.blocks {
                out.push_str(&block.to_html());
                out.push('\n');
            }
        }
        out.push_str("</body></html>\n");
        out
    }
}

impl Block {
    fn to_html(&self) -> String {
        match self {
            Block::Paragraph(text) => format!("<p>{}</p>", escape(text)),
            Block::Notice(level, text) => {
                let class = match level {
                    Level::Good => "good",
                    Level::Warning => "warning",
                    Level::Bad => "bad",
                };
                format!("<p class=\"notice {class}\">{}</p>", escape(text))
            }
            Block::Table(table) => table.to_html(),
            Block::Lines(lines) => lines.to_html(),
            Block::Measured(measured) => measured.to_html(),
            Block::Histogram(histogram) => histogram.to_html(),
            Block::Images(images) => images.to_html(),
            Block::Planes(planes) => planes.to_html(),
            Block::Animation(animation) => animation.to_html(),
            Block::Folded(title, text) => {
                format!("<details><summary>{}</summary><pre>{}</pre></details>", escape(title), escape(text))
            }
        }
    }
}

impl Table {
    fn to_html(&self) -> String {
        let numeric = |cell: &str| cell.starts_with(|c: char| c.is_ascii_digit() || c == '\u{2212}' || c == '\u{2013}');
        let class = |cell: &str| if numeric(cell) { " class=\"n\"" } else { "" };
        let mut out = String::from("<div class=\"scroll\"><table><thead><tr>");
        for (i, head) in self.head.iter().enumerate() {
            let below = self.rows.first().and_then(|r| r.get(i)).map_or("", String::as_str);
            let _ = write!(out, "<th{}>{}</th>", class(below), escape(head));
        }
        out.push_str("</tr></thead><tbody>");
        for row in &self.rows {
            out.push_str("<tr>");
            row.iter().for_each(|cell| {
                let _ = write!(out, "<td{}>{}</td>", class(cell), escape(cell));
            });
            out.push_str("</tr>");
        }
        out.push_str("</tbody></table></div>");
        out
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Panel, Sample, Scale, Series};
    use super::*;

    #[test]
    fn self_contained_and_balanced() {
        let page = Page {
            title: "t".into(),
            subtitle: "<s>".into(),
            sections: vec![Section {
                title: "x".into(),
                blocks: vec![
                    Block::Notice(Level::Bad, "a & b".into()),
                    Block::Table(Table { head: vec!["h".into()], rows: vec![vec!["1".into()]] }),
                    Block::Lines(Lines {
                        x_label: "step".into(),
                        panels: vec![Panel {
                            y_label: "nats".into(),
                            series: vec![Series {
                                name: "s".into(),
                                points: vec![(0.0, 1.0), (1.0, f64::NAN), (2.0, 3.0)],
                                band: vec![(0.0, 0.5, 1.5), (1.0, f64::NAN, 1.0), (2.0, 2.5, 3.5)],
                            }],
                        }],
                        marker: Some((1.0, "best".into())),
                        caption: "c".into(),
                    }),
                    Block::Histogram(Histogram {
                        x_label: "E".into(),
                        samples: vec![Sample { name: "a".into(), values: vec![1.0, 2.0, f64::INFINITY] }],
                        caption: String::new(),
                    }),
                    Block::Images(ImageGrid {
                        shape: (2, 2),
                        images: vec![vec![0.0, 1.0, -1.0, f32::NAN]; 3],
                        scale: Scale::Signed,
                        caption: "i".into(),
                    }),
                    Block::Folded("f".into(), "<x>".into()),
                ],
            }],
        };
        let html = page.to_html();
        assert!(!html.contains("http:") && !html.contains("https:") && !html.contains("NaN"));
        assert!(html.contains("1 points that are not finite are left out"));
        for tag in ["div", "table", "tr", "td", "th", "p", "figure", "svg", "text", "details", "pre", "h2", "body"] {
            let opened = html.matches(&format!("<{tag}>")).count() + html.matches(&format!("<{tag} ")).count();
            assert_eq!(opened, html.matches(&format!("</{tag}>")).count(), "{tag}");
        }
    }
}
