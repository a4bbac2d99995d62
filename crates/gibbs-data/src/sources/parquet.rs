//! Parquet: numbers and booleans, also optional ones, without the Arrow stack.
//!
//! One column of one row group is decoded at a time, and its values are spread over the rows. The table grows by a row
//! group only after the group's first column has delivered its values, so that a header alone allocates nothing. A column
//! that streams keeps no more than a batch of values.

use std::io::Write;
use std::sync::Arc;

use parquet::basic::{Compression, ConvertedType, LogicalType, Repetition, Type};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{DataType, DoubleType};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{ChunkReader, FileReader, RowGroupReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnDescriptor, Type as SchemaType};

use super::columns::{self, Roles};
use super::guard::guarded;
use super::stream::{BLOCK, Sink, Streamed};
use crate::{DataError, ReadOptions, Table, Values};

const READABLE: &str = "BOOLEAN, INT32, INT64, FLOAT and DOUBLE that are plain numbers";

/// Bytes in memory as a source.
pub(crate) fn copied(bytes: &[u8]) -> bytes::Bytes {
    bytes::Bytes::copy_from_slice(bytes)
}

pub(crate) fn read(source: impl ChunkReader + 'static, options: &ReadOptions) -> Result<Table, DataError> {
    guarded(|| decode(source, options))
}

/// Hands over the first of the columns that `options` leave.
pub(crate) fn stream(
    source: impl ChunkReader + 'static,
    options: &ReadOptions,
    each: &mut Sink<'_>,
) -> Result<Streamed, DataError> {
    guarded(|| {
        let file = SerializedFileReader::new(source).map_err(damaged)?;
        let (names, roles) = layout(&file, options, 1)?;
        let mut rows = 0;
        for g in 0..file.num_row_groups() {
            let group = file.get_row_group(g).map_err(damaged)?;
            let wanted = rows_of(group.as_ref(), g)?;
            column(group.as_ref(), roles.data[0], wanted, |_, block| each(block))?;
            rows += wanted as u64;
        }
        if rows == 0 {
            return Err(DataError::NoRows { columns: names.len() });
        }
        Ok(Streamed { column: names[roles.data[0]].clone(), rows, first_row: 1 })
    })
}

/// The names of all columns, and which of them are wanted: of the data columns at most the first `most`.
fn layout<R: ChunkReader + 'static>(
    file: &SerializedFileReader<R>,
    options: &ReadOptions,
    most: usize,
) -> Result<(Vec<String>, Roles), DataError> {
    let schema = file.metadata().file_metadata().schema_descr();
    let names = columns::unique(schema.columns().iter().map(|c| c.path().string()).collect());
    let mut roles = Roles::resolve(&names, options)?;
    roles.data.truncate(most);
    for &c in roles.data.iter().chain(&roles.weight).chain(&roles.label) {
        check_type(schema.column(c).as_ref(), &names[c])?;
    }
    Ok((names, roles))
}

fn rows_of(group: &dyn RowGroupReader, g: usize) -> Result<usize, DataError> {
    usize::try_from(group.metadata().num_rows())
        .map_err(|_| DataError::Corrupt(format!("row group {g} has a negative number of rows")))
}

fn decode(source: impl ChunkReader + 'static, options: &ReadOptions) -> Result<Table, DataError> {
    let file = SerializedFileReader::new(source).map_err(damaged)?;
    let (names, roles) = layout(&file, options, usize::MAX)?;
    let (width, mut values) = (roles.data.len(), Values::new());
    let (mut weights, mut labels) = (roles.weight.map(|_| Vec::new()), roles.label.map(|_| Vec::new()));
    let mut n_rows = 0;
    for g in 0..file.num_row_groups() {
        let group = file.get_row_group(g).map_err(damaged)?;
        let rows = rows_of(group.as_ref(), g)?;
        let needed = (n_rows as u64).saturating_add(rows as u64).saturating_mul(width as u64 * values.cell_bytes());
        if needed > options.max_bytes {
            return Err(DataError::TooLarge { what: "the table".into(), found: needed, limit: options.max_bytes });
        }
        let mut first = Values::new();
        column(group.as_ref(), roles.data[0], rows, |_, block| {
            block.iter().for_each(|&x| first.push(x));
            Ok(())
        })?;
        let start = n_rows * width;
        values.extend_zeros(rows * width);
        (0..rows).for_each(|r| values.set(start + r * width, first.get(r)));
        for (k, &c) in roles.data.iter().enumerate().skip(1) {
            column(group.as_ref(), c, rows, |r, block| {
                block.iter().enumerate().for_each(|(i, &x)| values.set(start + (r + i) * width + k, x));
                Ok(())
            })?;
        }
        if let (Some(c), Some(out)) = (roles.weight, &mut weights) {
            column(group.as_ref(), c, rows, |r, block| {
                for (i, &x) in block.iter().enumerate() {
                    out.push(columns::weight(x, n_rows + r + i + 1, &names[c])?);
                }
                Ok(())
            })?;
        }
        if let (Some(c), Some(out)) = (roles.label, &mut labels) {
            column(group.as_ref(), c, rows, |r, block| {
                for (i, &x) in block.iter().enumerate() {
                    out.push(columns::label(x, n_rows + r + i + 1, &names[c])?);
                }
                Ok(())
            })?;
        }
        n_rows += rows;
    }
    let mut table = Table::from_values(width, values)?;
    table.columns = roles.data.iter().map(|&c| names[c].clone()).collect();
    table.has_names = true;
    (table.weights, table.labels) = (weights, labels);
    Ok(table)
}

fn check_type(column: &ColumnDescriptor, name: &str) -> Result<(), DataError> {
    let (physical, converted, logical) = (column.physical_type(), column.converted_type(), column.logical_type_ref());
    let refuse = |found: String| {
        let what = format!("column {name:?} (leave it out with --drop {name})");
        Err(DataError::UnsupportedType { what, found, readable: READABLE })
    };
    if column.max_rep_level() > 0 {
        return refuse("list".into());
    }
    if !matches!(physical, Type::BOOLEAN | Type::INT32 | Type::INT64 | Type::FLOAT | Type::DOUBLE) {
        return refuse(logical.map_or_else(|| physical.to_string(), |l| format!("{l:?}")));
    }
    match (logical, converted) {
        (Some(LogicalType::Integer { .. }), _)
        | (
            None,
            ConvertedType::NONE
            | ConvertedType::INT_8
            | ConvertedType::INT_16
            | ConvertedType::INT_32
            | ConvertedType::INT_64
            | ConvertedType::UINT_8
            | ConvertedType::UINT_16
            | ConvertedType::UINT_32
            | ConvertedType::UINT_64,
        ) => Ok(()),
        (Some(other), _) => refuse(format!("{other:?}")),
        (None, other) => refuse(other.to_string()),
    }
}

fn unsigned(column: &ColumnDescriptor) -> bool {
    use ConvertedType::{UINT_8, UINT_16, UINT_32, UINT_64};
    matches!(column.logical_type_ref(), Some(LogicalType::Integer(i)) if !i.is_signed)
        || matches!(column.converted_type(), UINT_8 | UINT_16 | UINT_32 | UINT_64)
}

/// Hands the values of one column of a row group to `each`, a block at a time with the first one's row in the group; null is
/// `NaN`.
fn column(
    group: &dyn RowGroupReader,
    c: usize,
    rows: usize,
    mut each: impl FnMut(usize, &[f64]) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let descriptor = group.metadata().schema_descr().column(c);
    let (unsigned, max_def) = (unsigned(&descriptor), descriptor.max_def_level());
    let (each, frame) = (&mut each, Frame { rows, max_def });
    match group.get_column_reader(c).map_err(damaged)? {
        ColumnReader::BoolColumnReader(r) => frame.values(r, |x| f64::from(u8::from(x)), each),
        ColumnReader::Int32ColumnReader(r) if unsigned => frame.values(r, |x| f64::from(x as u32), each),
        ColumnReader::Int32ColumnReader(r) => frame.values(r, f64::from, each),
        ColumnReader::Int64ColumnReader(r) if unsigned => frame.values(r, |x| x as u64 as f64, each),
        ColumnReader::Int64ColumnReader(r) => frame.values(r, |x| x as f64, each),
        ColumnReader::FloatColumnReader(r) => frame.values(r, f64::from, each),
        ColumnReader::DoubleColumnReader(r) => frame.values(r, |x| x, each),
        _ => Err(DataError::Corrupt("a column's type changes between row groups".into())),
    }
}

/// Takes blocks of values, each with the row of its first one.
type Each<'a> = dyn FnMut(usize, &[f64]) -> Result<(), DataError> + 'a;

/// What a column of a row group has to deliver.
struct Frame {
    rows: usize,
    max_def: i16,
}

impl Frame {
    fn values<T: DataType>(
        &self,
        mut reader: ColumnReaderImpl<T>,
        number: impl Fn(T::T) -> f64,
        each: &mut Each<'_>,
    ) -> Result<(), DataError>
    where
        T::T: Copy,
    {
        let (mut values, mut levels) = (Vec::with_capacity(BLOCK), Vec::with_capacity(BLOCK));
        let mut block = Vec::with_capacity(BLOCK);
        let mut row = 0;
        while row < self.rows {
            values.clear();
            levels.clear();
            let wanted = BLOCK.min(self.rows - row);
            let (n, _, _) = reader.read_records(wanted, Some(&mut levels), None, &mut values).map_err(damaged)?;
            if n == 0 {
                let what = format!("a column of {} rows", self.rows);
                return Err(DataError::Corrupt(format!("{what} ends after {row}")));
            }
            let fewer = || DataError::Corrupt("a column has fewer values than it says".into());
            let mut present = values.iter().copied().map(&number);
            block.clear();
            if self.max_def == 0 {
                block.extend(present.by_ref().take(n));
            } else {
                for i in 0..n {
                    let there = levels.get(i).is_some_and(|&d| d == self.max_def);
                    block.push(if there { present.next().ok_or_else(fewer)? } else { f64::NAN });
                }
            }
            if block.len() < n {
                return Err(fewer());
            }
            each(row, &block)?;
            row += n;
        }
        Ok(())
    }
}

/// Rows of a row group that is written: 8 MiB a column.
const GROUP: usize = 1 << 20;

/// Writes columns of doubles, compressed by Snappy; the same numbers make the same bytes.
///
/// # Errors
/// [`DataError::Setting`] where the lengths differ or two columns have one name, [`DataError::Io`].
///
/// # Example
/// ```
/// use gibbs_data::parquet;
/// let mut file = Vec::new();
/// parquet::write(&mut file, &["mean", "sd"], &[&[1.5, -2.0], &[0.1, f64::NAN]]).unwrap();
/// assert_eq!(&file[..4], b"PAR1");
/// ```
pub fn write(mut out: impl Write, names: &[&str], columns: &[&[f64]]) -> Result<(), DataError> {
    let n_rows = columns::common_length(names, columns)?;
    if let Some(twice) = (1..names.len()).find(|i| names[..*i].contains(&names[*i])) {
        return Err(DataError::Setting(format!("two columns have the name {:?}", names[twice])));
    }
    let failed = |e: ParquetError| DataError::Io(std::io::Error::other(e));
    let field = |name: &&str| {
        SchemaType::primitive_type_builder(name, Type::DOUBLE)
            .with_repetition(Repetition::REQUIRED)
            .build()
            .map(Arc::new)
    };
    let fields = names.iter().map(field).collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let schema = SchemaType::group_type_builder("table").with_fields(fields).build().map_err(failed)?;
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).set_dictionary_enabled(false);
    // The writer wants an owner that may move to another thread, which `out` need not be.
    let mut bytes = Vec::new();
    let mut file =
        SerializedFileWriter::new(&mut bytes, Arc::new(schema), Arc::new(properties.build())).map_err(failed)?;
    for start in (0..n_rows).step_by(GROUP) {
        let mut group = file.next_row_group().map_err(failed)?;
        for values in columns {
            let Some(mut column) = group.next_column().map_err(failed)? else { break };
            let part = &values[start..(start + GROUP).min(n_rows)];
            column.typed::<DoubleType>().write_batch(part, None, None).map_err(failed)?;
            column.close().map_err(failed)?;
        }
        group.close().map_err(failed)?;
    }
    file.close().map_err(failed)?;
    out.write_all(&bytes)?;
    out.flush()?;
    Ok(())
}

fn damaged(error: ParquetError) -> DataError {
    match error {
        ParquetError::EOF(what) => DataError::Corrupt(format!("it ends too early as a Parquet file: {what}")),
        other => DataError::Corrupt(format!("as a Parquet file: {other}")),
    }
}
