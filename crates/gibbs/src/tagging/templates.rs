//! Templates: which features a token has.

use std::fmt::Write;

use gibbs_data::conll::Sentences;
use serde::{Deserialize, Serialize};

/// Longest prefix and suffix, characters.
const AFFIX: usize = 4;

/// Which features a token has. With columns `w0` (the word) to `wk` (whatever else the file holds, such as a part of
/// speech):
///
/// | feature | of |
/// |---|---|
/// | every column's value | tokens from `-window` to `+window`, `<` and `>` beyond the sentence |
/// | pairs of neighbouring values | (-1, 0) and (0, 1), every column |
/// | prefixes and suffixes of 1 to 4 characters, lower case, shape (`Xx9-`), short shape | the word |
/// | begins with a capital, all capitals, a digit, a hyphen | the word |
/// | shape | the words before and after |
/// | a constant | |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Templates {
    /// How far values of neighbours are looked at.
    pub window: usize,
}

impl Default for Templates {
    fn default() -> Self {
        Self { window: 2 }
    }
}

impl Templates {
    /// Calls `each` with every feature of token `t` of the sentence that begins at token `start` and has `length` tokens;
    /// the first `n_columns` columns are looked at.
    pub fn features(
        &self,
        text: &Sentences,
        n_columns: usize,
        start: usize,
        length: usize,
        t: usize,
        mut each: impl FnMut(&str),
    ) {
        let mut name = String::with_capacity(64);
        let value = |column: usize, offset: isize| -> &str {
            match t.checked_add_signed(offset) {
                None => "<",
                Some(at) if at >= length => ">",
                Some(at) => &text.token(start + at)[column],
            }
        };
        let mut say = |parts: std::fmt::Arguments<'_>| {
            name.clear();
            // Writing into a string cannot fail.
            let _ = name.write_fmt(parts);
            each(&name);
        };
        say(format_args!("1"));
        let reach = self.window as isize;
        for column in 0..n_columns {
            for offset in -reach..=reach {
                say(format_args!("{column}[{offset}]={}", value(column, offset)));
            }
            for offset in [-1, 0] {
                say(format_args!("{column}[{offset}:]={}|{}", value(column, offset), value(column, offset + 1)));
            }
        }
        let word = value(0, 0);
        for n in 1..=AFFIX {
            if let Some((end, _)) = word.char_indices().nth(n) {
                say(format_args!("pre={}", &word[..end]));
            } else if word.chars().count() == n {
                say(format_args!("pre={word}"));
            }
            if let Some((begin, _)) = word.char_indices().rev().nth(n - 1) {
                say(format_args!("suf={}", &word[begin..]));
            }
        }
        say(format_args!("low={}", word.to_lowercase()));
        let (long, short) = shape(word);
        say(format_args!("shape={long}"));
        say(format_args!("short={short}"));
        for offset in [-1, 1] {
            say(format_args!("shape[{offset}]={}", shape(value(0, offset)).1));
        }
        let mut letters = word.chars().filter(|c| c.is_alphabetic()).peekable();
        let flags = [
            ("capital", word.chars().next().is_some_and(char::is_uppercase)),
            ("capitals", letters.peek().is_some() && letters.all(char::is_uppercase)),
            ("digit", word.chars().any(char::is_numeric)),
            ("hyphen", word.contains('-')),
        ];
        for (flag, _) in flags.iter().filter(|(_, on)| *on) {
            say(format_args!("{flag}"));
        }
    }
}

/// Capitals become `X`, other letters `x`, digits `9`, the rest stays; once as it is, once with repeats left out.
fn shape(word: &str) -> (String, String) {
    let kind = |c: char| match c {
        c if c.is_uppercase() => 'X',
        c if c.is_alphabetic() => 'x',
        c if c.is_numeric() => '9',
        c => c,
    };
    let long: String = word.chars().map(kind).collect();
    let mut short = String::new();
    for c in long.chars() {
        if !short.ends_with(c) {
            short.push(c);
        }
    }
    (long, short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_of_a_token() {
        let text = gibbs_data::conll::parse("In IN O\nKöln-7 NN B-LOC\n".as_bytes()).unwrap();
        let mut found = Vec::new();
        Templates { window: 1 }.features(&text, 2, 0, 2, 1, |f| found.push(f.to_string()));
        for wanted in [
            "1",
            "0[-1]=In",
            "0[0]=Köln-7",
            "0[1]=>",
            "1[-1]=IN",
            "0[-1:]=In|Köln-7",
            "1[0:]=NN|>",
            "pre=Kö",
            "suf=ln-7",
            "low=köln-7",
            "shape=Xxxx-9",
            "short=Xx-9",
            "shape[-1]=Xx",
            "capital",
            "digit",
            "hyphen",
        ] {
            assert!(found.iter().any(|f| f == wanted), "{wanted} is not in {found:?}");
        }
        assert!(!found.iter().any(|f| f == "capitals" || f.contains("LOC")), "{found:?}");
        // A word of two characters has affixes of one and two.
        found.clear();
        Templates::default().features(&text, 1, 0, 2, 0, |f| found.push(f.to_string()));
        assert_eq!(found.iter().filter(|f| f.starts_with("pre=") || f.starts_with("suf=")).count(), 4);
    }
}
