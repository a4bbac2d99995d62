//! MNIST and Fashion-MNIST: 60,000 and 10,000 pictures of 28x28 pixels with labels 0 to 9.
//!
//! Sources: Y. `LeCun`, C. Cortes, C. Burges, "The MNIST database of handwritten digits"; H. Xiao, K. Rasul, R. Vollgraf,
//! "Fashion-MNIST", 2017, arXiv:1708.07747.

use super::files::{Place, PublicFile, join};
use super::{NamedOptions, Part, SetInfo, SetKind};
use crate::{DataError, Table};

pub(super) struct Set {
    pub(super) name: &'static str,
    what: &'static str,
    folders: [&'static str; 4],
    base_url: &'static str,
    /// Digests of: training pictures, training labels, test pictures, test labels.
    sha256: [&'static str; 4],
}

const FILES: [&str; 4] =
    ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

pub(super) const SETS: [Set; 2] = [
    Set {
        name: "mnist",
        what: "handwritten digits of 28x28 pixels, 60,000 for training and 10,000 for the test",
        folders: ["mnist", "", "MNIST/raw", "MNIST"],
        base_url: "https://storage.googleapis.com/cvdf-datasets/mnist/",
        sha256: [
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ],
    },
    Set {
        name: "fashion-mnist",
        what: "pictures of clothes of 28x28 pixels, 60,000 for training and 10,000 for the test",
        folders: ["fashion-mnist", "fashion_mnist", "", "FashionMNIST/raw"],
        base_url: "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        sha256: [
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ],
    },
];

impl Set {
    pub(super) fn info(&self) -> SetInfo {
        SetInfo { name: self.name, what: self.what, kind: SetKind::Files, size: Some((70_000, 784)), parameters: &[] }
    }

    pub(super) fn load(&self, options: &NamedOptions) -> Result<Table, DataError> {
        let folders = self.folders.map(String::from);
        let url = |file: &str| {
            if file.is_empty() { self.base_url.to_string() } else { format!("{}{file}.gz", self.base_url) }
        };
        let place = Place { set: self.name, folders: &folders, url: &url };
        let read = |i: usize| place.read(&PublicFile { name: FILES[i], sha256: self.sha256[i] }, options);
        let part = |i: usize| -> Result<Table, DataError> {
            let mut table = read(i)?;
            let labels = read(i + 1)?;
            table.labels = Some((0..labels.n_rows).map(|r| labels.value(r, 0) as i64).collect());
            Ok(table)
        };
        match options.part {
            Part::Train => join(vec![(Part::Train, part(0)?)]),
            Part::Test => join(vec![(Part::Test, part(2)?)]),
            Part::All => join(vec![(Part::Train, part(0)?), (Part::Test, part(2)?)]),
            Part::Validation => {
                Err(DataError::Setting(format!("{} has no official validation part; use train or test", self.name)))
            }
        }
    }
}
