use gibbs_data::{DataError, Picture, ReadOptions, read};

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

/// The picture as it is, channels and all; what would change it silently is refused.
#[test]
fn pictures_keep_their_samples() {
    let read = |name: &str| Picture::read(&golden(&format!("pictures/{name}")), 1 << 20);
    let grey = [0, 100, 255, 7, 8, 9];
    let a = read("a_grey.png").unwrap();
    assert_eq!((a.height, a.width, a.channels, &a.samples[..]), (2, 3, 1, &grey[..]));
    let c = read("c_rgb.png").unwrap();
    assert_eq!((c.channels, c.samples.len()), (3, 18));
    assert_eq!(read("b_one_bit.png").unwrap().samples, [0, 255, 255, 0, 0, 0]);
    assert_eq!(read("f_palette.png").unwrap().channels, 3);
    assert!(read("e_sixteen_bit.png").unwrap_err().to_string().contains("16 bits a sample"));
    let mut clear = Vec::new();
    let mut encoder = png::Encoder::new(&mut clear, 2, 1);
    encoder.set_color(png::ColorType::GrayscaleAlpha);
    encoder.write_header().unwrap().write_image_data(&[3, 255, 4, 254]).unwrap();
    let e = Picture::decode(&clear, 1 << 20).unwrap_err().to_string();
    assert!(e.contains("pixel 1 of row 0 is transparent"), "{e}");
    let mut opaque = Vec::new();
    let mut encoder = png::Encoder::new(&mut opaque, 2, 1);
    encoder.set_color(png::ColorType::Rgba);
    encoder.write_header().unwrap().write_image_data(&[1, 2, 3, 255, 4, 5, 6, 255]).unwrap();
    let opaque = Picture::decode(&opaque, 1 << 20).unwrap();
    assert_eq!((opaque.channels, opaque.channel(2)), (3, vec![3, 6]));
    assert!(matches!(read("nothing.png"), Err(DataError::NotFound { .. })));
    assert!(Picture::decode(b"no picture", 1 << 20).is_err());
}
