//! MAT-files written here by the format's own rules: plain, compressed, nested, and wrong in every way that was thought of.

use std::io::Write;

use gibbs_data::DataError;
use gibbs_data::mat::{MatArray, read_bytes};
use proptest::prelude::*;

const LIMIT: u64 = 1 << 20;

fn element(kind: u32, body: &[u8]) -> Vec<u8> {
    let mut out = [kind.to_le_bytes(), (body.len() as u32).to_le_bytes()].concat();
    out.extend_from_slice(body);
    out.resize(out.len().next_multiple_of(8), 0);
    out
}

fn array(class: u32, shape: [i32; 2], name: &str, content: &[u8]) -> Vec<u8> {
    let flags = element(6, &[class.to_le_bytes(), [0; 4]].concat());
    let shape = element(5, &shape.map(i32::to_le_bytes).concat());
    element(14, &[flags, shape, element(1, name.as_bytes()), content.to_vec()].concat())
}

fn compressed(array: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(array).unwrap();
    let body = out.finish().unwrap();
    // Compressed elements are not padded.
    [15u32.to_le_bytes().to_vec(), (body.len() as u32).to_le_bytes().to_vec(), body].concat()
}

fn file(arrays: &[Vec<u8>]) -> Vec<u8> {
    let mut out = b"MATLAB 5.0 MAT-file".to_vec();
    out.resize(124, b' ');
    out.extend([0, 1, b'I', b'M']);
    out.extend(arrays.concat());
    out
}

/// Three bytes in the tag itself, as short elements are kept.
fn short() -> Vec<u8> {
    vec![2, 0, 3, 0, 7, 8, 9, 0]
}

fn sample() -> Vec<u8> {
    let numbers = array(6, [2, 2], "x", &element(9, &[1.5, -2.0, 3.0, 4.0].map(f64::to_le_bytes).concat()));
    let cells = [array(9, [1, 3], "", &short()), array(9, [0, 0], "", &element(2, &[]))].concat();
    file(&[numbers, compressed(&array(1, [1, 2], "c", &cells))])
}

#[test]
fn numbers_and_cells() {
    let found = read_bytes(&sample(), LIMIT).unwrap();
    assert_eq!(found[0], ("x".into(), MatArray::Numbers { shape: vec![2, 2], values: vec![1.5, -2.0, 3.0, 4.0] }));
    let (name, cells) = &found[1];
    assert_eq!((name.as_str(), cells.shape()), ("c", &[1, 2][..]));
    assert_eq!((cells.cells()[0].numbers(), cells.cells()[1].numbers()), (&[7.0, 8.0, 9.0][..], &[][..]));
}

#[test]
fn what_is_wrong_is_said() {
    let error = |bytes: &[u8]| read_bytes(bytes, LIMIT).unwrap_err().to_string();
    let whole = sample();
    assert!(error(&whole[..100]).contains("128 bytes"));
    assert!(error(&whole[..whole.len() - 5]).contains("cut short"));
    let mut big = whole.clone();
    big[126..128].copy_from_slice(b"MI");
    assert!(error(&big).contains("big-endian"));
    assert!(error(&file(&[array(2, [1, 1], "s", &[])])).contains("structure"));
    assert!(error(&file(&[array(6, [i32::MAX, i32::MAX], "x", &element(9, &[0; 8]))])).contains("needs"));
    assert!(error(&file(&[array(1, [i32::MAX, 1], "c", &[])])).contains("claims the shape"));
    assert!(error(&file(&[array(9, [1, 4], "x", &short())])).contains("cut short"));
    let mut nested = array(9, [1, 3], "", &short());
    for _ in 0..20 {
        nested = array(1, [1, 1], "", &nested);
    }
    assert!(error(&file(&[nested])).contains("nested"));
    // A megabyte of zeroes in a kilobyte.
    let bomb = file(&[compressed(&array(9, [1, 1 << 20], "b", &element(2, &vec![0; 1 << 20])))]);
    assert!(matches!(read_bytes(&bomb, LIMIT), Err(DataError::TooLarge { .. })));
    assert!(read_bytes(&bomb, 16 * LIMIT).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn damaged_files_never_panic(at in 120usize..1000, value: u8, cut in 0usize..1000) {
        let mut bytes = sample();
        let n = bytes.len();
        bytes[at % n] = value;
        bytes.truncate(n - cut % n);
        let _ = read_bytes(&bytes, LIMIT);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read_bytes(&file(&[bytes]), LIMIT);
    }
}
