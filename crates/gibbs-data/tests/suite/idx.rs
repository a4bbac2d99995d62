use gibbs_data::{DataError, ReadOptions};

use super::{bytes, cells, gz};

#[test]
fn pictures_and_labels() {
    let pictures = [&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3][..], &[1, 2, 3, 4, 5, 255]].concat();
    for content in [pictures.clone(), gz(&pictures)] {
        let t = bytes(&content, &ReadOptions::default()).unwrap();
        assert_eq!((t.n_rows, t.shape, cells(&t)), (2, Some((1, 3)), vec![1.0, 2.0, 3.0, 4.0, 5.0, 255.0]));
    }
    let labels = [&[0, 0, 8, 1, 0, 0, 0, 2][..], &[7, 3]].concat();
    assert_eq!(cells(&bytes(&labels, &ReadOptions::default()).unwrap()), [7.0, 3.0]);
}

#[test]
fn other_types_are_big_endian() {
    let short = [&[0, 0, 0x0b, 1, 0, 0, 0, 2][..], &(-2i16).to_be_bytes(), &300i16.to_be_bytes()].concat();
    assert_eq!(cells(&bytes(&short, &ReadOptions::default()).unwrap()), [-2.0, 300.0]);
    let double = [&[0, 0, 0x0e, 2, 0, 0, 0, 1, 0, 0, 0, 1][..], &0.1f64.to_be_bytes()].concat();
    assert_eq!(cells(&bytes(&double, &ReadOptions::default()).unwrap()), [0.1]);
}

#[test]
fn headers_that_lie() {
    let error = |sizes: [u8; 4], body: &[u8]| {
        bytes(&[&[0, 0, 8, 2], &sizes[..], &[0, 0, 0, 1], body].concat(), &ReadOptions::default()).unwrap_err()
    };
    assert!(matches!(error([255; 4], &[1]).root(), DataError::Truncated { expected: 0xffff_ffff, found: 1, .. }));
    assert!(error([0, 0, 0, 1], &[1, 2]).to_string().contains("more bytes follow"));
    assert!(matches!(
        bytes(&[0, 0, 8, 2, 0, 0], &ReadOptions::default()).unwrap_err().root(),
        DataError::Truncated { .. }
    ));
    let huge = [&[0, 0, 8, 4][..], &[255; 16]].concat();
    assert!(matches!(bytes(&huge, &ReadOptions::default()).unwrap_err().root(), DataError::TooLarge { .. }));
}
