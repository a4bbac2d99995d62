//! Parameters: named, shaped, in one flat buffer.

use crate::persist::{Persist, StateError, Tensor, TensorMap};

/// One named parameter of a [`ParamMap`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParamEntry {
    /// Name, such as `weights`.
    pub name: String,
    /// Shape, row-major.
    pub shape: Vec<usize>,
    offset: usize,
}

impl ParamEntry {
    fn len(&self) -> usize {
        self.shape.iter().product()
    }
}

/// All parameters of a model (or a gradient, or a moment of an optimiser) in one flat `f32` buffer.
///
/// # Example
/// ```
/// use gibbs_core::params::ParamMap;
/// let mut p = ParamMap::zeros(&[("weights", &[2, 3]), ("bias", &[3])]);
/// p.get_mut("bias")[1] = 0.5;
/// assert_eq!(p.flat().len(), 9);
/// assert_eq!(p.get("bias"), [0.0, 0.5, 0.0]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ParamMap {
    entries: Vec<ParamEntry>,
    data: Vec<f32>,
}

impl ParamMap {
    /// Zero parameters with these names and shapes, in this order.
    pub fn zeros(layout: &[(&str, &[usize])]) -> Self {
        let mut entries = Vec::with_capacity(layout.len());
        let mut offset = 0;
        for &(name, shape) in layout {
            let entry = ParamEntry { name: name.to_string(), shape: shape.to_vec(), offset };
            offset += entry.len();
            entries.push(entry);
        }
        Self { entries, data: vec![0.0; offset] }
    }

    /// Zeroes with the layout of `self`.
    pub fn zeros_like(&self) -> Self {
        Self { entries: self.entries.clone(), data: vec![0.0; self.data.len()] }
    }

    /// The named entries.
    pub fn entries(&self) -> &[ParamEntry] {
        &self.entries
    }

    /// All numbers, entry after entry.
    pub fn flat(&self) -> &[f32] {
        &self.data
    }

    /// All numbers, to change.
    pub fn flat_mut(&mut self) -> &mut [f32] {
        &mut self.data
    }

    /// One entry's numbers.
    ///
    /// # Panics
    /// If there is no such entry: names are fixed by the model's own code.
    pub fn get(&self, name: &str) -> &[f32] {
        let range = self.range(name);
        &self.data[range]
    }

    /// One entry's numbers, to change.
    ///
    /// # Panics
    /// As [`ParamMap::get`].
    pub fn get_mut(&mut self, name: &str) -> &mut [f32] {
        let range = self.range(name);
        &mut self.data[range]
    }

    /// Several entries at once, to change.
    ///
    /// # Panics
    /// If a name is missing or the names are not in the order of the layout.
    pub fn get_many_mut<const N: usize>(&mut self, names: [&str; N]) -> [&mut [f32]; N] {
        let ranges = names.map(|n| self.range(n));
        self.data.get_disjoint_mut(ranges).expect("entries do not overlap")
    }

    /// Sets every number to zero.
    pub fn clear(&mut self) {
        self.data.fill(0.0);
    }

    /// `self += a * other`.
    ///
    /// # Panics
    /// If the layouts differ.
    pub fn add_scaled(&mut self, a: f32, other: &ParamMap) {
        assert_eq!(self.data.len(), other.data.len(), "parameters of the same layout");
        for (x, y) in self.data.iter_mut().zip(&other.data) {
            *x += a * y;
        }
    }

    /// Multiplies every number by `a`.
    pub fn scale(&mut self, a: f32) {
        self.data.iter_mut().for_each(|x| *x *= a);
    }

    /// Euclidean norm.
    pub fn norm(&self) -> f64 {
        self.data.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt()
    }

    /// The first entry that holds a NaN or an infinity, with the position inside it.
    pub fn first_non_finite(&self) -> Option<(&str, usize)> {
        // A NaN or an infinity times zero is NaN and stays in the sum: a pass that the compiler vectorises, taken
        // after every update.
        let clean = |block: &[f32]| block.iter().map(|x| x * 0.0).sum::<f32>() == 0.0;
        let block = self.data.chunks(4_096).position(|b| !clean(b))?;
        let i = block * 4_096 + self.data[block * 4_096..].iter().position(|x| !x.is_finite())?;
        let entry = self.entries.iter().rev().find(|e| e.offset <= i)?;
        Some((entry.name.as_str(), i - entry.offset))
    }

    fn range(&self, name: &str) -> std::ops::Range<usize> {
        let Some(e) = self.entries.iter().find(|e| e.name == name) else {
            panic!("no parameter named {name}");
        };
        e.offset..e.offset + e.len()
    }
}

impl Persist for ParamMap {
    fn save(&self, prefix: &str, to: &mut TensorMap) {
        for e in &self.entries {
            to.insert(format!("{prefix}{}", e.name), Tensor::from_f32(&e.shape, self.get(&e.name)));
        }
    }

    fn load(&mut self, prefix: &str, from: &TensorMap) -> Result<(), StateError> {
        for e in self.entries.clone() {
            let name = format!("{prefix}{}", e.name);
            let values = from.expect(&name, Some(&e.shape))?.to_f32(&name)?;
            self.get_mut(&e.name).copy_from_slice(&values);
        }
        Ok(())
    }
}
