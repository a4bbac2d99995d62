//! Spans in label sequences, and how well they are found: precision, recall and F1 as the program `conlleval` counts them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A run of tokens of one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span<'a> {
    /// Its type, what follows the hyphen.
    pub kind: &'a str,
    /// First token.
    pub start: usize,
    /// Token after the last.
    pub end: usize,
}

/// How well spans were found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SpanScore {
    /// Spans in the gold labels.
    pub gold: usize,
    /// Spans in the found labels.
    pub found: usize,
    /// Spans in both, with the same type and the same ends.
    pub correct: usize,
}

impl SpanScore {
    /// Share of found spans that are right; 0 where none was found.
    pub fn precision(&self) -> f64 {
        self.correct as f64 / self.found.max(1) as f64
    }

    /// Share of gold spans that were found; 0 where there is none.
    pub fn recall(&self) -> f64 {
        self.correct as f64 / self.gold.max(1) as f64
    }

    /// Harmonic mean of both; 0 where no span is right.
    pub fn f1(&self) -> f64 {
        2.0 * self.correct as f64 / (self.gold + self.found).max(1) as f64
    }
}

/// Prefix and type of a label; `None` outside of every span.
fn parts(label: &str) -> Option<(&str, &str)> {
    label.split_once('-').filter(|(prefix, _)| matches!(*prefix, "B" | "I" | "E" | "S"))
}

/// Whether labels mark spans: all of them `O` or a type behind `B-`, `I-`, `E-` or `S-`, and one of them such a type.
pub fn marks_spans<'a>(labels: impl IntoIterator<Item = &'a str>) -> bool {
    let mut some = false;
    for label in labels {
        if parts(label).is_none() && label != "O" {
            return false;
        }
        some |= label != "O";
    }
    some
}

/// The spans of one sentence. A span begins at `B-` and `S-`, at a type that is not the one before, after `E-`, `S-` and
/// `O`: an `I-` that continues nothing begins a span, so IOB1, IOB2 and IOBES labels are all read.
///
/// # Example
/// ```
/// use gibbs::tagging::spans::spans;
/// let found = spans(&["I-PER", "I-PER", "O", "B-LOC", "B-LOC", "I-ORG"]);
/// let ends: Vec<_> = found.iter().map(|s| (s.kind, s.start, s.end)).collect();
/// assert_eq!(ends, [("PER", 0, 2), ("LOC", 3, 4), ("LOC", 4, 5), ("ORG", 5, 6)]);
/// ```
pub fn spans<'a>(labels: &[&'a str]) -> Vec<Span<'a>> {
    let mut out: Vec<Span<'a>> = Vec::new();
    let mut before: Option<(&str, &str)> = None;
    for (t, label) in labels.iter().enumerate() {
        let here = parts(label);
        if let Some((prefix, kind)) = here {
            let begins = match before {
                None => true,
                Some((last, type_before)) => {
                    matches!(prefix, "B" | "S") || matches!(last, "E" | "S") || kind != type_before
                }
            };
            match out.last_mut().filter(|_| !begins) {
                Some(span) => span.end = t + 1,
                None => out.push(Span { kind, start: t, end: t + 1 }),
            }
        }
        before = here;
    }
    out
}

/// Compares labels of many sentences; `lengths` divides them. The total, and each type by itself.
///
/// # Panics
/// If there are not as many labels of both kinds as the lengths sum to.
pub fn score(gold: &[&str], found: &[&str], lengths: &[usize]) -> (SpanScore, BTreeMap<String, SpanScore>) {
    let mut by_type: BTreeMap<String, SpanScore> = BTreeMap::new();
    let mut start = 0;
    for n in lengths {
        let (in_gold, in_found) = (spans(&gold[start..start + n]), spans(&found[start..start + n]));
        for span in &in_gold {
            by_type.entry(span.kind.to_string()).or_default().gold += 1;
        }
        for span in &in_found {
            let score = by_type.entry(span.kind.to_string()).or_default();
            score.found += 1;
            score.correct += usize::from(in_gold.contains(span));
        }
        start += n;
    }
    let mut total = SpanScore::default();
    for s in by_type.values() {
        total.gold += s.gold;
        total.found += s.found;
        total.correct += s.correct;
    }
    (total, by_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(labels: &str) -> Vec<(&str, usize, usize)> {
        spans(&labels.split(' ').collect::<Vec<_>>()).iter().map(|s| (s.kind, s.start, s.end)).collect()
    }

    /// By the rules of `conlleval` (Tjong Kim Sang & Buchholz 2000), each worked out by hand.
    #[test]
    fn spans_by_hand() {
        assert_eq!(ends("B-A I-A O"), [("A", 0, 2)]);
        assert_eq!(ends("I-A I-A B-A"), [("A", 0, 2), ("A", 2, 3)]);
        assert_eq!(ends("O I-A I-B"), [("A", 1, 2), ("B", 2, 3)]);
        assert_eq!(ends("B-A I-B I-B"), [("A", 0, 1), ("B", 1, 3)]);
        assert_eq!(ends("B-A I-A E-A S-A S-A"), [("A", 0, 3), ("A", 3, 4), ("A", 4, 5)]);
        assert_eq!(ends("B-A E-A E-A I-A"), [("A", 0, 2), ("A", 2, 3), ("A", 3, 4)]);
        assert_eq!(ends("S-A I-A"), [("A", 0, 1), ("A", 1, 2)]);
        assert_eq!(ends("B-A-C I-A-C"), [("A-C", 0, 2)]);
        assert!(ends("O O").is_empty());
    }

    #[test]
    fn scores_by_hand() {
        let gold = ["B-A", "I-A", "O", "B-B", "O", "B-A"];
        let found = ["B-A", "O", "O", "B-B", "I-A", "I-A"];
        // Found: A 0-1 (wrong end), B 3-4 (right), A 4-6 (wrong).
        let (total, by_type) = score(&gold, &found, &[6]);
        assert_eq!(total, SpanScore { gold: 3, found: 3, correct: 1 });
        assert_eq!(by_type["A"], SpanScore { gold: 2, found: 2, correct: 0 });
        assert!((total.f1() - 1.0 / 3.0).abs() < 1e-15 && by_type["A"].f1() == 0.0 && by_type["B"].f1() == 1.0);
        // A sentence ends every span: as two sentences the last is right.
        let (total, _) = score(&gold, &found, &[5, 1]);
        assert_eq!(total, SpanScore { gold: 3, found: 4, correct: 2 });
        assert_eq!((total.precision(), total.recall()), (0.5, 2.0 / 3.0));
    }

    #[test]
    fn parts_of_speech_are_no_spans() {
        assert!(marks_spans(["O", "B-A", "I-A"]));
        assert!(!marks_spans(["NN", "O"]) && !marks_spans(["O"]) && !marks_spans(["X-A"]));
    }
}
