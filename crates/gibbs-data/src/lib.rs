//! Tables for energy-based models: read, generated, divided, and turned into bits.
//!
//! [`read`] takes a file a person has (CSV, TSV, NPY, NPZ, IDX, Parquet, PNG pictures), [`named`] a set by its name
//! (embedded, generated, or public files with known digests). Both give a [`Table`]; [`stream_column`] hands over a column
//! that need not fit into memory. [`inspect`] says what kind of numbers
//! it holds, [`Preprocess`] turns it into a [`BitTable`] and [`Standardise`] into real numbers of a model's scale, the same
//! way at every later time, [`Split`] divides its rows.
//!
//! Nothing here opens a network connection by itself: downloads happen only where [`NamedOptions::download`] asks for
//! them, through the system's `curl`.
//!
//! # Example
//! ```
//! use gibbs_core::key::Key;
//! use gibbs_data::{BinariseOption, NamedOptions, Preprocess, Split, inspect, named};
//!
//! let key = Key::from_seed(0);
//! let digits = named("digits", &NamedOptions::default(), &key).unwrap();
//! assert_eq!(inspect(&digits).to_string(), "every value is an integer from 0 to 16");
//! let prepare = Preprocess::fit(&digits, BinariseOption::Threshold(8.0)).unwrap();
//! let bits = prepare.apply(&digits, &key).unwrap();
//! let split = Split::random(digits.n_rows, 0.15, 0.2, &key).unwrap();
//! assert_eq!(bits.select(&split.test).n_rows, 359);
//! ```

mod bits;
mod categories;
mod column_order;
mod counts;
mod error;
pub mod generators;
mod hash;
mod inspect;
mod named;
mod nearest;
mod preprocess;
mod sources;
mod split;
mod standardise;
mod table;

pub use bits::BitTable;
pub use categories::Categories;
pub use column_order::column_order;
pub use counts::CountColumns;
pub use error::DataError;
pub use inspect::{Kind, inspect};
pub use named::{NamedOptions, Part, SetInfo, SetKind, list, named};
pub use nearest::nearest;
pub use preprocess::{Binarise, BinariseOption, Preprocess};
pub use sources::image::Picture;
pub use sources::{Header, ReadOptions, Streamed, conll, csv, mat, npy, parquet, read, read_bytes, stream_column};
pub use split::Split;
pub use standardise::{Scaling, Standardise};
pub use table::{Table, Values};
