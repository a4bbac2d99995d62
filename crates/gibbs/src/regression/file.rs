//! The model on disk: one safetensors file, what is no tensor in its metadata.

use std::collections::BTreeMap;
use std::path::Path;

use gibbs_core::key::Key;
use gibbs_core::persist::{Persist, TensorMap};
use serde::{Deserialize, Serialize};

use super::ensemble::Frame;
use super::{Conformal, Ensemble};
use crate::error::Error;
use crate::tensors;

/// Entry of the metadata.
const ENTRY: &str = "regression";
/// Most weights a member is allocated for before its tensors are looked at.
const MOST_WEIGHTS: usize = 1 << 28;

#[derive(Serialize, Deserialize)]
struct Header {
    frame: Frame,
    members: usize,
    conformal: Option<Conformal>,
}

impl Frame {
    /// Whether the parts fit together: a file may say anything.
    fn check(&self, members: usize) -> Result<(), String> {
        let net = &self.network;
        net.head.check()?;
        let d = net.n_inputs;
        if d == 0 || self.inputs.columns.len() != d || self.inputs.shift.len() != d || self.inputs.scale.len() != d {
            return Err(format!("{d} inputs, {} columns", self.inputs.columns.len()));
        }
        let numbers = self.inputs.shift.iter().chain(&self.inputs.scale).chain([&self.shift, &self.scale, &net.unit]);
        if !numbers.clone().all(|v| v.is_finite()) || self.scale <= 0.0 || net.unit <= 0.0 {
            return Err("its scales are not finite".into());
        }
        if self.inputs.scale.iter().any(|s| *s <= 0.0) || self.inputs.dequantise.is_some() {
            return Err("its scales are not positive".into());
        }
        if net.head.n_classes().is_some_and(|k| !self.classes.is_empty() && k != self.classes.len()) {
            return Err(format!("{} names of classes", self.classes.len()));
        }
        let widths = || std::iter::once(d).chain(net.mlp.hidden.iter().copied());
        let outs = net.mlp.hidden.iter().copied().chain([net.head.n_outputs()]);
        let weights = widths().zip(outs).try_fold(0usize, |sum, (a, b)| sum.checked_add(a.checked_mul(b)?));
        if weights.is_none_or(|w| w > MOST_WEIGHTS) || net.mlp.hidden.contains(&0) || !(1..=10_000).contains(&members) {
            return Err(format!("{members} members of layers {:?}", net.mlp.hidden));
        }
        Ok(())
    }
}

impl Ensemble {
    /// Writes the model.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let mut map = TensorMap::default();
        self.members.iter().enumerate().for_each(|(i, m)| m.save(&format!("member{i}."), &mut map));
        let header = Header { frame: self.frame.clone(), members: self.members.len(), conformal: self.conformal };
        let block = serde_json::to_string(&header).map_err(|e| Error::run(path, e.to_string()))?;
        tensors::write(path, &map, &BTreeMap::from([(ENTRY.to_string(), block)]))
    }

    /// Reads a model that [`Ensemble::write`] wrote.
    ///
    /// # Errors
    /// A file that is not one, or is damaged.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let (map, metadata) = tensors::read(path)?;
        let block = metadata.get(ENTRY).ok_or_else(|| {
            Error::run(path, "is no regression or classification; fit one with `gibbs fit --model regression`")
        })?;
        Self::from_parts(&map, block).map_err(|reason| Error::run(path, format!("damaged ({reason})")))
    }

    fn from_parts(map: &TensorMap, block: &str) -> Result<Self, String> {
        let header: Header = serde_json::from_str(block).map_err(|e| e.to_string())?;
        header.frame.check(header.members)?;
        let layout = header.frame.network.map::<f32>(&Key::from_seed(0)).map_err(|e| e.to_string())?;
        let mut members = Vec::new();
        for i in 0..header.members {
            let mut params = layout.params().zeros_like();
            params.load(&format!("member{i}."), map).map_err(|e| e.to_string())?;
            members.push(params);
        }
        Ok(Self { frame: header.frame, members, conformal: header.conformal })
    }
}
