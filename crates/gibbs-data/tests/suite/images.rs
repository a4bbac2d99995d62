use gibbs_data::{DataError, ReadOptions, read};

use super::{cells, golden, read_golden};

#[test]
fn a_folder_of_every_kind() {
    let t = read_golden("pictures").unwrap();
    assert_eq!((t.n_rows, t.n_cols(), t.shape), (6, 6, Some((2, 3))));
    let rows: Vec<Vec<f64>> = cells(&t).chunks(6).map(<[f64]>::to_vec).collect();
    let grey = [0.0, 100.0, 255.0, 7.0, 8.0, 9.0];
    assert_eq!(rows[0], grey);
    assert_eq!(rows[1], [0.0, 255.0, 255.0, 0.0, 0.0, 0.0]);
    assert_eq!(rows[2], grey);
    assert_eq!(rows[3], grey.map(|x| (0.299 * x).round())); // red alone, the alpha channel ignored
    assert_eq!(rows[4], grey); // x * 257 has x as its upper byte
    assert_eq!(rows[5], [0.0, 50.0, 200.0, 200.0, 50.0, 0.0]);
    assert_eq!(cells(&read_golden("pictures/a_grey.png").unwrap()), grey);
}

#[test]
fn what_can_be_wrong_with_a_folder() {
    let dir = tempfile::tempdir().unwrap();
    let reading = || read(dir.path(), &ReadOptions::default());
    assert!(matches!(reading().unwrap_err().root(), DataError::NoImages));
    std::fs::copy(golden("pictures/a_grey.png"), dir.path().join("a.png")).unwrap();
    let mut one = Vec::new();
    let mut encoder = png::Encoder::new(&mut one, 1, 1);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header().unwrap().write_image_data(&[3]).unwrap();
    std::fs::write(dir.path().join("b.PNG"), &one).unwrap();
    let e = reading().unwrap_err();
    assert!(e.to_string().contains("a.png is 2x3, b.PNG is 1x1"), "{e}");
    std::fs::write(dir.path().join("b.PNG"), &one[..40]).unwrap();
    let e = reading().unwrap_err();
    assert!(matches!(e.root(), DataError::Corrupt(_)) && e.to_string().contains("b.PNG"), "{e}");
}

#[test]
fn a_header_that_promises_too_much() {
    let mut small = std::fs::read(golden("pictures/a_grey.png")).unwrap();
    small[16..20].copy_from_slice(&60_000u32.to_be_bytes());
    small[20..24].copy_from_slice(&60_000u32.to_be_bytes());
    let crc = flate2::Crc::new();
    let crc = [&small[12..29]]
        .iter()
        .fold(crc, |mut c, b| {
            c.update(b);
            c
        })
        .sum();
    small[29..33].copy_from_slice(&crc.to_be_bytes());
    let e = super::bytes(&small, &ReadOptions::default()).unwrap_err();
    assert!(e.to_string().contains("promises 60000x60000 pixels in a file of 73 bytes"), "{e}");
}
