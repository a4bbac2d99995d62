//! A tiny alphabet for captions inside pictures: three dots wide, five high.

/// Dots between the left edges of neighbouring letters.
const ADVANCE: usize = 4;
/// Dots from top to bottom.
pub(super) const HEIGHT: usize = 5;

/// The rows of a letter from the top, three bits each, the leftmost dot the highest: one octal digit a row.
/// Small letters are drawn as capitals, what is not in the alphabet as a small square.
fn rows(letter: char) -> u16 {
    match letter.to_ascii_uppercase() {
        ' ' => 0o00000,
        '0' => 0o75557,
        '1' => 0o26227,
        '2' => 0o71747,
        '3' => 0o71717,
        '4' => 0o55711,
        '5' => 0o74717,
        '6' => 0o74757,
        '7' => 0o71122,
        '8' => 0o75757,
        '9' => 0o75717,
        'A' => 0o25755,
        'B' => 0o65656,
        'C' => 0o34443,
        'D' => 0o65556,
        'E' => 0o74647,
        'F' => 0o74644,
        'G' => 0o34553,
        'H' => 0o55755,
        'I' => 0o72227,
        'J' => 0o11152,
        'K' => 0o55655,
        'L' => 0o44447,
        'M' => 0o57755,
        'N' => 0o65555,
        'O' => 0o25552,
        'P' => 0o65644,
        'Q' => 0o25563,
        'R' => 0o65655,
        'S' => 0o34216,
        'T' => 0o72222,
        'U' => 0o55557,
        'V' => 0o55552,
        'W' => 0o55775,
        'X' => 0o55255,
        'Y' => 0o55222,
        'Z' => 0o71247,
        '.' => 0o00002,
        ',' => 0o00024,
        ':' => 0o02020,
        ';' => 0o02024,
        '!' => 0o22202,
        '?' => 0o71202,
        '-' | '\u{2212}' | '\u{2013}' => 0o00700,
        '+' => 0o02720,
        '=' => 0o07070,
        '*' => 0o05250,
        '/' => 0o11244,
        '%' => 0o51245,
        '(' => 0o12221,
        ')' => 0o42224,
        '[' => 0o64446,
        ']' => 0o31113,
        '<' => 0o12421,
        '>' => 0o42124,
        '|' => 0o22222,
        '_' => 0o00007,
        '^' => 0o25000,
        '\'' => 0o22000,
        '"' => 0o55000,
        '#' => 0o57575,
        _ => 0o07570,
    }
}

/// The dots of a text, as columns and rows from its upper left corner.
pub(super) fn dots(text: &str) -> impl Iterator<Item = (usize, usize)> + '_ {
    text.chars().enumerate().flat_map(|(k, letter)| {
        let bits = rows(letter);
        (0..3 * HEIGHT)
            .filter(move |i| bits >> (3 * HEIGHT - 1 - i) & 1 == 1)
            .map(move |i| (k * ADVANCE + i % 3, i / 3))
    })
}

/// Width of a text in dots.
pub(super) fn width(text: &str) -> usize {
    (ADVANCE * text.chars().count()).saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_stand_side_by_side() {
        let seven: Vec<_> = dots("7").collect();
        assert_eq!(seven, [(0, 0), (1, 0), (2, 0), (2, 1), (2, 2), (1, 3), (1, 4)]);
        assert_eq!(dots(" 7").map(|(x, y)| (x - ADVANCE, y)).collect::<Vec<_>>(), seven);
        assert_eq!((width(""), width("7"), width("77")), (0, 3, 7));
    }

    #[test]
    fn every_letter_differs() {
        let all = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ.,:;!?-+=*/%()[]<>|_^'\"# ";
        for (i, a) in all.char_indices() {
            assert!(all[..i].chars().all(|b| rows(a) != rows(b)), "{a}");
        }
        assert_eq!(rows('a'), rows('A'));
    }
}
