//! Tensors on disk: safetensors files, checked before anything is allocated for them.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use gibbs_core::persist::{Dtype, Tensor, TensorMap};
use safetensors::tensor::{SafeTensors, TensorView};

use crate::error::Error;
use crate::files;

/// Largest file that is read: 16 GiB.
const MAX_BYTES: u64 = 16 << 30;

/// Bytes of a safetensors file with these tensors and text metadata. The same input gives the same bytes.
pub fn to_bytes(tensors: &TensorMap, metadata: &BTreeMap<String, String>) -> Result<Vec<u8>, String> {
    let mut views = Vec::new();
    for (name, t) in tensors.iter() {
        let dtype = match t.dtype {
            Dtype::F32 => safetensors::Dtype::F32,
            Dtype::F64 => safetensors::Dtype::F64,
            Dtype::U64 => safetensors::Dtype::U64,
        };
        let view = TensorView::new(dtype, t.shape.clone(), &t.bytes).map_err(|e| e.to_string())?;
        views.push((name, view));
    }
    // The crate writes metadata in the order of a hash map; one entry has one order.
    let packed = serde_json::to_string(metadata).map_err(|e| e.to_string())?;
    let one = HashMap::from([("gibbs".to_string(), packed)]);
    safetensors::serialize(views, Some(one)).map_err(|e| e.to_string())
}

/// Parses a safetensors file's bytes. Unknown element types are an error; nothing is allocated beyond the bytes given.
pub fn from_bytes(bytes: &[u8]) -> Result<(TensorMap, BTreeMap<String, String>), String> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| e.to_string())?;
    let metadata = match header.metadata().as_ref().and_then(|m| m.get("gibbs")) {
        Some(packed) => serde_json::from_str(packed).map_err(|e| format!("its metadata is not readable: {e}"))?,
        None => BTreeMap::new(),
    };
    let file = SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
    let mut tensors = TensorMap::default();
    for (name, view) in file.iter() {
        let dtype = match view.dtype() {
            safetensors::Dtype::F32 => Dtype::F32,
            safetensors::Dtype::F64 => Dtype::F64,
            safetensors::Dtype::U64 => Dtype::U64,
            other => return Err(format!("tensor `{name}` has element type {other:?}; F32, F64 and U64 are read")),
        };
        tensors.insert(name, Tensor { dtype, shape: view.shape().to_vec(), bytes: view.data().to_vec() });
    }
    Ok((tensors, metadata))
}

/// Writes a safetensors file atomically.
pub fn write(path: &Path, tensors: &TensorMap, metadata: &BTreeMap<String, String>) -> Result<(), Error> {
    let bytes = to_bytes(tensors, metadata).map_err(|reason| Error::run(path, reason))?;
    files::write_atomic(path, &bytes)
}

/// Reads a safetensors file.
pub fn read(path: &Path) -> Result<(TensorMap, BTreeMap<String, String>), Error> {
    let size = std::fs::metadata(path).map_err(Error::io(path))?.len();
    if size > MAX_BYTES {
        return Err(Error::run(path, format!("{size} bytes is more than this program reads ({MAX_BYTES})")));
    }
    let bytes = std::fs::read(path).map_err(Error::io(path))?;
    from_bytes(&bytes)
        .map_err(|reason| Error::run(path, format!("damaged or not a safetensors file of this program ({reason})")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample() -> Vec<u8> {
        let mut map = TensorMap::default();
        map.insert("a", Tensor::from_f32(&[2, 2], &[1.0, 2.0, 3.0, 4.0]));
        map.insert_u64("n", 3);
        to_bytes(&map, &BTreeMap::from([("k".into(), "v".into()), ("l".into(), "w".into())])).unwrap()
    }

    #[test]
    fn round_trip_is_exact_and_repeatable() {
        let (map, metadata) = from_bytes(&sample()).unwrap();
        assert_eq!(metadata["l"], "w");
        assert_eq!(to_bytes(&map, &metadata).unwrap(), sample());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn damaged_files_never_panic(at in 0usize..400, value: u8, cut in 0usize..400) {
            let mut bytes = sample();
            let n = bytes.len();
            bytes[at % n] = value;
            bytes.truncate(n - cut % n);
            let _ = from_bytes(&bytes);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = from_bytes(&bytes);
        }
    }
}
