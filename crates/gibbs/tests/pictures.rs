//! Pictures of the plane: what is in the page and in the file, read back by independent decoders.

use gibbs::report::{
    Animation, Block, ColourScale, Field, Grid, HeatMap, Page, Plane, Planes, Quiver, Scatter, Section,
};
use proptest::prelude::*;

/// The palette entry of values without a colour is the first after the 252 colours.
const MARKED: u8 = 252;

fn grid(columns: usize, rows: usize) -> Grid {
    Grid::new((-2.0, 2.0), (-1.0, 1.0), columns, rows).expect("a grid")
}

fn html(blocks: Vec<Block>) -> String {
    Page { sections: vec![Section { title: String::new(), blocks }], ..Page::default() }.to_html()
}

fn row(panels: Vec<Plane>) -> Planes {
    Planes { panels, ..Planes::default() }
}

/// The pictures of a page, decoded from base 64, and the page without them.
fn pictures(html: &str) -> (Vec<Vec<u8>>, String) {
    let mut parts = html.split(";base64,");
    let mut rest = parts.next().expect("a beginning").to_string();
    let mut found = Vec::new();
    for part in parts {
        let (coded, after) = part.split_once('"').expect("a closing quote");
        found.push(from_base64(coded));
        rest.push_str(after);
    }
    (found, rest)
}

fn from_base64(text: &str) -> Vec<u8> {
    let digit = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => panic!("{c} is no digit of base 64"),
    };
    let digits: Vec<u32> = text.bytes().filter(|c| *c != b'=').map(|c| u32::from(digit(c))).collect();
    let bits = digits.chunks(4).flat_map(|quad| {
        let word = quad.iter().enumerate().fold(0u32, |w, (i, d)| w | d << (18 - 6 * i));
        word.to_be_bytes()[1..quad.len()].to_vec()
    });
    bits.collect()
}

/// Width, height and palette entries of a PNG.
fn decode_png(bytes: &[u8]) -> (u32, u32, Vec<u8>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().expect("a header");
    let mut entries = vec![0; reader.output_buffer_size().expect("a size")];
    let info = reader.next_frame(&mut entries).expect("pixels");
    (info.width, info.height, entries)
}

/// Frames of a GIF as palette entries, with its width, height and loop.
fn decode_gif(bytes: &[u8]) -> (Vec<gif::Frame<'static>>, u16, u16, gif::Repeat) {
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::Indexed);
    let mut decoder = options.read_info(bytes).expect("a header");
    let mut frames = Vec::new();
    while let Some(frame) = decoder.read_next_frame().expect("a whole file") {
        frames.push(frame.clone());
    }
    (frames, decoder.width(), decoder.height(), decoder.repeat())
}

#[test]
fn cells_become_pixels_with_the_highest_row_first_and_marked_holes() {
    let values = vec![0.0, 1.0, 2.0, f64::NAN, f64::INFINITY, 4.0];
    let field = Field::new(grid(3, 2), values).expect("six values");
    let page = html(vec![Block::Planes(row(vec![
        Plane::new("E").with(HeatMap::new(field, ColourScale::linear("E (nats)"))),
    ]))]);
    let (found, text) = pictures(&page);
    // The colours run from 0 to 251 over 0 to 4: 2 is entry 125.5, rounded up.
    assert_eq!(decode_png(&found[0]), (3, 2, vec![MARKED, MARKED, 251, 0, 63, 126]));
    assert_eq!(decode_png(&found[1]), (252, 1, (0..252).collect::<Vec<u8>>()));
    assert!(text.contains("2 cells of magenta colour"));
    assert!(text.contains("aria-label=\"E; heat map of E (nats) from 0 to 4.000\""), "{text}");
}

#[test]
fn a_log_scale_gives_equal_ratios_equal_steps() {
    let field = Field::new(grid(5, 1), vec![1e-4, 1e-3, 1e-2, 0.0, -1.0]).expect("five values");
    let map = HeatMap::new(field, ColourScale::log("p"));
    let (found, _) = pictures(&html(vec![Block::Planes(row(vec![Plane::new("p").with(map)]))]));
    assert_eq!(decode_png(&found[0]).2, [0, 126, 251, 0, MARKED]);
}

#[test]
fn a_shared_scale_has_one_bar_and_colours_that_compare() {
    let map =
        |top: f64| HeatMap::new(Field::new(grid(2, 1), vec![0.0, top]).expect("two values"), ColourScale::linear("E"));
    let mut planes = row(vec![Plane::new("a").with(map(1.0)), Plane::new("b").with(map(2.0))]);
    let (own, _) = pictures(&html(vec![Block::Planes(planes.clone())]));
    planes.shared_scale = true;
    let (shared, _) = pictures(&html(vec![Block::Planes(planes)]));
    assert_eq!((own.len(), shared.len()), (4, 3));
    assert_eq!((decode_png(&own[0]).2, decode_png(&own[2]).2), (vec![0, 251], vec![0, 251]));
    assert_eq!((decode_png(&shared[0]).2, decode_png(&shared[1]).2), (vec![0, 126], vec![0, 251]));
}

#[test]
fn panels_of_every_kind_have_the_same_frame() {
    let field = Field::from_fn(grid(20, 10), |x, y| x * x + y * y);
    let page = html(vec![Block::Planes(row(vec![
        Plane::new("energy").with(HeatMap::new(field, ColourScale::linear("E")).contours(5)),
        Plane::new("points").with(Scatter::new("data", vec![(0.0, 0.5), (9.0, 0.0), (f64::NAN, 0.0)])),
        Plane::new("score").with(Quiver::from_fn("score", grid(8, 4), |x, y| (-x, -y))),
    ]))]);
    let frames: Vec<&str> =
        page.match_indices("class=\"frame\"").map(|(i, _)| page[i..].split('>').next().expect("a tag")).collect();
    assert_eq!(frames.len(), 3);
    assert!(frames.iter().all(|f| *f == frames[0]), "{frames:?}");
    let (_, text) = pictures(&page);
    assert!(text.contains("1 points lie outside the frame.") && text.contains("1 points that are not finite"));
    assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
}

/// A hundred vectors of length one and one of a thousand: the 90 % quantile is one, so all shafts are equally long.
#[test]
fn one_steep_place_does_not_shrink_all_arrows() {
    let mut vectors = vec![(0.6, 0.8); 200];
    vectors[17] = (600.0, 800.0);
    vectors[3] = (f64::INFINITY, 0.0);
    vectors[4] = (0.0, 0.0);
    let arrows = Quiver::new("score", grid(20, 10), vectors).expect("200 vectors");
    let page = html(vec![Block::Planes(row(vec![Plane::new("").with(arrows)]))]);
    assert!(page.contains("an arrow of full length stands for 1.000 or more"));
    assert!(page.contains("1 vectors that are not finite are marked by a cross"));
    let path = page.split("class=\"arrows ink\" d=\"").nth(1).expect("arrows").split('"').next().expect("a path");
    let numbers = |s: &str| -> Vec<f64> { s.split_whitespace().map(|v| v.parse().expect("a number")).collect() };
    let strokes: Vec<&str> = path.split('M').skip(1).collect();
    assert_eq!(strokes.len(), 2 * 198);
    // Cells are 276 / 20 = 13.8 wide and high, full length is 0.9 of that; coordinates have one decimal.
    for shaft in strokes.iter().step_by(2) {
        let (from, to) = shaft.split_once('L').expect("a line");
        let (from, to) = (numbers(from), numbers(to));
        assert!(((to[0] - from[0]).hypot(to[1] - from[1]) - 12.42).abs() < 0.15);
        assert!(to[0] > from[0] && to[1] < from[1], "up and to the right");
    }
}

#[test]
fn names_and_labels_are_escaped() {
    let odd = "<b> & \"c\"";
    let map = HeatMap::new(Field::from_fn(grid(2, 2), |x, _| x), ColourScale::linear(odd));
    let planes = Planes {
        x_label: odd.into(),
        y_label: odd.into(),
        caption: odd.into(),
        ..row(vec![
            Plane::new(odd)
                .with(map)
                .with(Scatter::new(odd, vec![(0.0, 0.0)]))
                .with(Scatter::new("other", vec![(0.1, 0.0)]))
                .with(Quiver::from_fn(odd, grid(2, 2), |_, _| (1.0, 0.0))),
        ])
    };
    let mut film = Animation::new(32, 32, ColourScale::linear(odd)).expect("a size");
    film.caption = odd.into();
    film.push(Field::from_fn(grid(2, 2), |x, _| x), odd);
    let page = html(vec![Block::Planes(planes), Block::Animation(film)]);
    assert!(!page.contains("<b>") && !page.contains("\"c\""));
    for tag in ["figure", "svg", "text", "div", "p", "span", "figcaption", "picture"] {
        let opened = page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
        assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
    }
}

#[test]
fn nothing_to_draw_is_said() {
    let none = Field::from_fn(grid(3, 3), |_, _| f64::NAN);
    let page = html(vec![
        Block::Planes(Planes::default()),
        Block::Planes(row(vec![Plane::new("empty").with(Scatter::default())])),
        Block::Planes(row(vec![
            Plane::new("holes").with(HeatMap::new(none.clone(), ColourScale::log("p")).contours(3)),
        ])),
        Block::Planes(row(vec![Plane::new("one").with(Scatter::new("one", vec![(1.0, 1.0)]))])),
        Block::Animation(Animation::new(20, 20, ColourScale::linear("E")).expect("a size")),
    ]);
    assert_eq!(page.matches("nothing finite to draw").count(), 2);
    assert!(page.contains("9 cells of magenta colour") && page.contains("(no frames)"));
    assert!(page.contains("heat map without finite values"));
    assert!(Animation::new(20, 20, ColourScale::linear("E")).expect("a size").to_gif().is_err());
    assert!(Animation::new(0, 20, ColourScale::linear("E")).is_err());
}

#[test]
fn a_film_decodes_again() {
    let mut film = Animation::new(40, 20, ColourScale::linear("E")).expect("a size");
    for k in 0..5 {
        let mut values = vec![f64::from(k); 8];
        values[0] = f64::NAN;
        let field = Field::new(grid(4, 2), values).expect("eight values");
        film.push_with_points(field, vec![(1.5, 0.5), (7.0, 0.0), (f64::NAN, 0.0)], if k == 2 { "step 2" } else { "" });
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("film.gif");
    film.write(&path).expect("written");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);
    let (frames, width, height, repeat) = decode_gif(&std::fs::read(&path).expect("a file"));
    assert_eq!((frames.len(), width, height, repeat), (5, 40, 40, gif::Repeat::Infinite));
    for (k, frame) in frames.iter().enumerate() {
        let at = |x: usize, y: usize| frame.buffer[y * 40 + x];
        assert_eq!(frame.delay, if k == 4 { 200 } else { 10 });
        // The hole is the lowest cell on the left; all frames share one scale, 0 to 4 in 251 steps.
        assert_eq!((at(0, 19), at(9, 10), at(0, 9)), (MARKED, MARKED, (62.75 * k as f64).round() as u8));
        // The point (1.5, 0.5) is a white dot 2 pixels wide at 7/8 of the width, a quarter down; 253 is its shadow.
        assert_eq!((at(35, 5), at(36, 6), at(37, 7), at(34, 4)), (254, 254, 253, at(0, 9)));
        assert_eq!(frame.buffer[20 * 40..].contains(&253), k == 2, "only the third frame has a caption");
    }
    // Without captions there is no band.
    let mut plain = Animation::new(40, 20, ColourScale::linear("E")).expect("a size");
    plain.push(Field::from_fn(grid(4, 2), |x, _| x), "");
    assert_eq!(decode_gif(&plain.to_gif().expect("a film")).2, 20);
}

#[test]
fn films_cannot_overwrite_by_halves() {
    let mut film = Animation::new(16, 16, ColourScale::linear("E")).expect("a size");
    film.push(Field::from_fn(grid(2, 2), |x, _| x), "");
    let folder = tempfile::tempdir().expect("a folder");
    assert!(film.write(&folder.path().join("missing").join("film.gif")).is_err());
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![any::<f64>(), -3.0..3.0f64, Just(0.0), Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever the numbers are, there is a page, and no coordinate in it is not a number.
    #[test]
    fn no_number_panics_or_leaks(
        values in proptest::collection::vec(any_number(), 12),
        vectors in proptest::collection::vec((any_number(), any_number()), 12),
        points in proptest::collection::vec((any_number(), any_number()), 0..9),
        log in any::<bool>(),
        window in proptest::option::of(((any_number(), any_number()), (any_number(), any_number()))),
    ) {
        let scale = if log { ColourScale::log("v") } else { ColourScale::linear("v") };
        let field = Field::new(grid(4, 3), values).expect("twelve values");
        let mut film = Animation::new(16, 16, scale.clone()).expect("a size");
        film.push_with_points(field.clone(), points.clone(), "x");
        prop_assert_eq!(decode_gif(&film.to_gif().expect("a film")).0.len(), 1);
        let all = Plane::new("t")
            .with(HeatMap::new(field, scale).contours(4))
            .with(Quiver::new("q", grid(4, 3), vectors).expect("twelve vectors"))
            .with(Scatter::new("p", points.clone()));
        let only_points = row(vec![Plane::new("p").with(Scatter::new("p", points))]);
        let page = html(vec![Block::Planes(Planes { window, ..row(vec![all]) }), Block::Planes(only_points)]);
        let (_, text) = pictures(&page);
        prop_assert!(!text.contains("NaN") && !text.contains("inf\"") && !text.contains("inf "), "{}", text);
    }
}
