use gibbs_data::{DataError, ReadOptions, Values, npy, read};

use super::{bytes, cells, golden, read_golden};

#[test]
fn files_of_numpy() {
    // (file, columns, cells), as golden/make.py wrote them
    let count = |n: usize| (0..n).map(|i| i as f64).collect::<Vec<_>>();
    let cases: [(&str, usize, Vec<f64>); 8] = [
        ("fortran_f4.npy", 3, vec![-2.5, -1.5, -0.5, 0.5, 1.5, 2.5]),
        ("big_i2.npy", 3, vec![0.0, 1000.0, 2000.0, 3000.0, 4000.0, 5000.0]),
        ("bool.npy", 3, vec![0.0, 1.0, 0.0, 1.0, 0.0, 1.0]),
        ("half.npy", 3, vec![0.0, 0.25, 0.5, 0.75, 1.0, 1.25]),
        ("cube_u1.npy", 12, count(24)),
        ("cube_fortran_i8.npy", 12, count(24)),
        ("one_dimension.npy", 1, vec![1.0, 0.0, 255.0]),
        ("version3.npy", 3, count(6)),
    ];
    for (name, n_cols, want) in cases {
        let t = read_golden(name).unwrap();
        assert_eq!((t.n_cols(), cells(&t)), (n_cols, want), "{name}");
    }
    assert_eq!(read_golden("cube_u1.npy").unwrap().shape, Some((3, 4)));
    assert!(matches!(read_golden("one_dimension.npy").unwrap().values, Values::U8(_)));
}

#[test]
fn other_types_are_named() {
    for (name, word) in [("text.npy", "text"), ("objects.npy", "Python objects"), ("record.npy", "several fields")] {
        let e = read_golden(name).unwrap_err();
        assert!(matches!(e.root(), DataError::UnsupportedType { .. }) && e.to_string().contains(word), "{e}");
    }
    assert!(read_golden("scalar.npy").unwrap_err().to_string().contains("a single number"));
}

#[test]
fn archives() {
    assert_eq!(cells(&read_golden("one.npz").unwrap()), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    let e = read_golden("two.npz").unwrap_err();
    assert!(e.to_string().contains("x, labels; choose one with --array NAME"), "{e}");
    let array = |name: &str| ReadOptions { array: Some(name.into()), ..ReadOptions::default() };
    assert_eq!(cells(&read(&golden("two.npz"), &array("labels")).unwrap()), [4.0, 5.0]);
    let e = read(&golden("two.npz"), &array("label")).unwrap_err();
    assert!(e.to_string().contains("did you mean \"labels\"?"), "{e}");
}

#[test]
fn headers_that_lie() {
    let header = |shape: &str| {
        let text = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}\n");
        [b"\x93NUMPY\x01\x00".as_slice(), &(text.len() as u16).to_le_bytes(), text.as_bytes(), &[0; 64]].concat()
    };
    let error = |shape: &str| bytes(&header(shape), &ReadOptions::default()).unwrap_err();
    assert!(matches!(error("(1099511627776, 8)").root(), DataError::TooLarge { .. }));
    assert!(matches!(error("(99999999999999999, 99999999999999999)").root(), DataError::TooLarge { .. }));
    assert!(matches!(error("(3, 3)").root(), DataError::Truncated { expected: 72, found: 64, .. }));
    assert!(matches!(error("(100000000, 8)").root(), DataError::Truncated { found: 64, .. }));
    assert!(error("(2, 2)").to_string().contains("more bytes follow"));
    assert!(matches!(error("(2, -2)").root(), DataError::Corrupt(_)));
    assert!(bytes(&header("(4, 2)"), &ReadOptions::default()).is_ok());
    assert!(matches!(error("(0, 8)").root(), DataError::Corrupt(_)));
}

#[test]
fn written_arrays_have_numpys_bytes() {
    // numpy.save of np.zeros((2, 3), '<f4'): a header of 128 bytes in all, then 24 bytes.
    let mut out = Vec::new();
    npy::write(&mut out, &[2, 3], npy::Numbers::F32(&[0.0; 6])).unwrap();
    let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
    assert_eq!(&out[..10], b"\x93NUMPY\x01\x00\x76\x00");
    assert_eq!(std::str::from_utf8(&out[10..128]).unwrap(), format!("{text:<117}\n"));
    assert_eq!(out.len(), 152);
    let wrong = npy::write(&mut out, &[2, 2], npy::Numbers::U8(&[1]));
    assert!(matches!(wrong, Err(DataError::Setting(_))));
}

#[test]
fn what_is_written_reads_back() {
    let numbers = [1.5, -0.0, f64::INFINITY, 1e-310, f64::MAX, 3.0];
    for shape in [vec![6], vec![2, 3], vec![1, 2, 3], vec![6, 1]] {
        let mut out = Vec::new();
        npy::write(&mut out, &shape, npy::Numbers::F64(&numbers)).unwrap();
        assert_eq!(npy::read(&out[..], 1 << 20).unwrap(), npy::Array { shape, values: Values::F64(numbers.to_vec()) });
    }
    let mut out = Vec::new();
    npy::write(&mut out, &[], npy::Numbers::U8(&[7])).unwrap();
    assert_eq!(npy::read(&out[..], 1 << 20).unwrap().shape, [0usize; 0]);
}
