//! What a run must remember: named tensors, without saying where they are kept.

use std::collections::BTreeMap;

/// Element type of a [`Tensor`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtype {
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
    /// 64-bit unsigned integer (counters, packed bits).
    U64,
}

impl Dtype {
    /// Bytes of one element.
    pub fn size(self) -> usize {
        match self {
            Dtype::F32 => 4,
            Dtype::F64 | Dtype::U64 => 8,
        }
    }
}

/// A named array as it goes to disk: little-endian bytes, row-major.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// Element type.
    pub dtype: Dtype,
    /// Shape.
    pub shape: Vec<usize>,
    /// Little-endian bytes.
    pub bytes: Vec<u8>,
}

macro_rules! convert {
    ($from:ident, $to:ident, $t:ty, $dtype:expr) => {
        /// Packs numbers.
        ///
        /// # Panics
        /// If the shape does not hold exactly these numbers.
        pub fn $from(shape: &[usize], values: &[$t]) -> Self {
            assert_eq!(shape.iter().product::<usize>(), values.len(), "shape holds the values");
            let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
            Self { dtype: $dtype, shape: shape.to_vec(), bytes }
        }

        /// Unpacks numbers; `name` is for the message of the error.
        pub fn $to(&self, name: &str) -> Result<Vec<$t>, StateError> {
            if self.dtype != $dtype {
                return Err(StateError::Dtype { name: name.into(), found: self.dtype, wanted: $dtype });
            }
            let (chunks, _) = self.bytes.as_chunks::<{ size_of::<$t>() }>();
            Ok(chunks.iter().map(|b| <$t>::from_le_bytes(*b)).collect())
        }
    };
}

impl Tensor {
    convert!(from_f32, to_f32, f32, Dtype::F32);
    convert!(from_f64, to_f64, f64, Dtype::F64);
    convert!(from_u64, to_u64, u64, Dtype::U64);
}

/// Named tensors in name order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TensorMap(BTreeMap<String, Tensor>);

impl TensorMap {
    /// Adds or replaces a tensor.
    pub fn insert(&mut self, name: impl Into<String>, tensor: Tensor) {
        self.0.insert(name.into(), tensor);
    }

    /// Looks a tensor up.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.0.get(name)
    }

    /// A tensor that must be there, of the given shape where one is given.
    pub fn expect(&self, name: &str, shape: Option<&[usize]>) -> Result<&Tensor, StateError> {
        let tensor = self.get(name).ok_or_else(|| StateError::Missing { name: name.into() })?;
        match shape {
            Some(wanted) if wanted != tensor.shape => {
                Err(StateError::Shape { name: name.into(), found: tensor.shape.clone(), wanted: wanted.to_vec() })
            }
            _ => Ok(tensor),
        }
    }

    /// All tensors in name order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.0.iter().map(|(n, t)| (n.as_str(), t))
    }

    /// Saves one number.
    pub fn insert_u64(&mut self, name: impl Into<String>, value: u64) {
        self.insert(name, Tensor::from_u64(&[1], &[value]));
    }

    /// Loads one number.
    pub fn expect_u64(&self, name: &str) -> Result<u64, StateError> {
        Ok(self.expect(name, Some(&[1]))?.to_u64(name)?[0])
    }
}

/// Why a saved state cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// A tensor is absent.
    #[error("the saved state has no tensor named `{name}`")]
    Missing {
        /// Its name.
        name: String,
    },
    /// A tensor has another shape than the model.
    #[error("tensor `{name}` has shape {found:?}, this model needs {wanted:?}")]
    Shape {
        /// Its name.
        name: String,
        /// Shape in the file.
        found: Vec<usize>,
        /// Shape of the model.
        wanted: Vec<usize>,
    },
    /// A tensor has another element type.
    #[error("tensor `{name}` holds {found:?}, {wanted:?} is needed")]
    Dtype {
        /// Its name.
        name: String,
        /// Type in the file.
        found: Dtype,
        /// Type needed.
        wanted: Dtype,
    },
    /// The numbers cannot belong to such a state.
    #[error("tensor `{name}` is not usable: {reason}")]
    Invalid {
        /// Its name.
        name: String,
        /// What is wrong.
        reason: String,
    },
}

/// State that survives a stop: saved as tensors whose names start with `prefix`, loaded back bit for bit.
pub trait Persist {
    /// Writes the state.
    fn save(&self, prefix: &str, to: &mut TensorMap);

    /// Reads the state back into `self`, which has the right layout.
    fn load(&mut self, prefix: &str, from: &TensorMap) -> Result<(), StateError>;
}

impl Persist for () {
    fn save(&self, _prefix: &str, _to: &mut TensorMap) {}

    fn load(&mut self, _prefix: &str, _from: &TensorMap) -> Result<(), StateError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_errors() {
        let mut map = TensorMap::default();
        map.insert("a", Tensor::from_f32(&[2], &[1.5, f32::NAN]));
        map.insert_u64("n", u64::MAX);
        assert_eq!(map.expect_u64("n"), Ok(u64::MAX));
        assert_eq!(map.get("a").unwrap().to_f32("a").unwrap()[0], 1.5);
        assert!(matches!(map.expect("b", None), Err(StateError::Missing { .. })));
        assert!(matches!(map.expect("a", Some(&[3])), Err(StateError::Shape { .. })));
        assert!(matches!(map.get("a").unwrap().to_f64("a"), Err(StateError::Dtype { .. })));
    }
}
