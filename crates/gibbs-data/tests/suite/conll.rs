//! Sentences in columns.

use gibbs_data::conll::parse;
use proptest::prelude::*;

#[test]
fn sentences_documents_and_line_ends() {
    let text = "\u{feff}-DOCSTART- -X- O\r\n\r\n\r\nEU NNP B-ORG\r\nrejects\tVBZ  O\r\n  \r\nPeter NNP B-PER\r\n";
    let found = parse(text.as_bytes()).unwrap();
    assert_eq!((found.n_columns, found.lengths.clone(), found.n_tokens()), (3, vec![2, 1], 3));
    assert_eq!(found.token(1), ["rejects", "VBZ", "O"]);
    assert_eq!((found.line(0), found.line(2)), (4, 7));
    let last = found.select(&[1, 0]);
    assert_eq!((last.lengths.clone(), last.token(0)[0].as_str(), last.line(1)), (vec![1, 2], "Peter", 4));
}

#[test]
fn mistakes_are_named_with_their_line() {
    let error = |text: &[u8]| parse(text).unwrap_err().to_string();
    assert!(error(b"a X\nb Y\n\nc\n").contains("row 4 has 1 cells"));
    assert!(error(b"a X\n\xff\xfe Y\n").contains("line 2 is not UTF-8"));
    assert!(error(b"\n\n -DOCSTART- O\n").contains("empty"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn arbitrary_lines_never_panic(text in "([ab\\-\\t \r]{0,4}[ab] ?\n|-DOCSTART-|\n){0,12}") {
        if let Ok(found) = parse(text.as_bytes()) {
            prop_assert_eq!(found.lengths.iter().sum::<usize>(), found.n_tokens());
        }
    }
}
