"""Files written by NumPy, PyArrow and Pillow, for the readers' tests. Run by hand; the files are committed.

    pip install numpy pyarrow pillow && python make.py
"""
import datetime, io, os, zipfile
import numpy as np
import pyarrow as pa, pyarrow.parquet as pq
from PIL import Image

os.chdir(os.path.dirname(os.path.abspath(__file__)))

# Row r of every Parquet file: the formulas are repeated in tests/parquet.rs.
R = range(300)
table = pa.table({
    "flag": pa.array([r % 2 == 0 for r in R]),
    "small": pa.array([r % 7 for r in R], pa.uint8()),
    "i": pa.array([None if r % 10 == 3 else r - 150 for r in R], pa.int32()),
    "u": pa.array([4294967295 - r for r in R], pa.uint32()),
    "big": pa.array([r * 10**9 for r in R], pa.int64()),
    "f": pa.array([r / 8 for r in R], pa.float32()),
    "d": pa.array([r / 3 for r in R], pa.float64()),
    "text": pa.array([f"row {r}" for r in R]),
    "day": pa.array([datetime.date(2020, 1, 1)] * 300),
    "list": pa.array([[1, 2]] * 300),
    "inner": pa.array([{"a": r % 3} for r in R], pa.struct([("a", pa.int16())])),
})
pq.write_table(table, "snappy.parquet", compression="snappy", row_group_size=100)
pq.write_table(table, "zstd_v2.parquet", compression="zstd", data_page_version="2.0", use_dictionary=False)
pq.write_table(table, "gzip_v1.parquet", compression="gzip", version="1.0", row_group_size=128)
pq.write_table(table.select(["small"]), "plain.parquet", compression="none", use_dictionary=False)
pq.write_table(table.select(["small"]).slice(0, 0), "no_rows.parquet")

a = np.arange(6).reshape(2, 3)
np.save("fortran_f4.npy", np.asfortranarray((a - 2.5).astype("<f4")))
np.save("big_i2.npy", (a * 1000).astype(">i2"))
np.save("bool.npy", a % 2 == 1)
np.save("half.npy", (a / 4).astype("<f2"))
np.save("cube_u1.npy", np.arange(24, dtype=np.uint8).reshape(2, 3, 4))
np.save("cube_fortran_i8.npy", np.asfortranarray(np.arange(24).reshape(2, 3, 4)))
np.save("one_dimension.npy", np.array([1, 0, 255], dtype=np.uint64))
np.save("text.npy", np.array(["a", "b"]))
np.save("objects.npy", np.array([None, 1], dtype=object))
np.save("record.npy", np.zeros(2, dtype=[("a", "<i4"), ("b", "<f4")]))
np.save("scalar.npy", np.float64(2.5))
with open("version3.npy", "wb") as f:
    np.lib.format.write_array(f, a.astype("<f8"), version=(3, 0))
np.savez_compressed("two.npz", x=a, labels=np.array([4, 5]))
np.savez("one.npz", x=a)

grey = np.array([[0, 100, 255], [7, 8, 9]], dtype=np.uint8)
os.makedirs("pictures", exist_ok=True)
Image.fromarray(grey).save("pictures/a_grey.png")
Image.fromarray(grey > 50).save("pictures/b_one_bit.png")
Image.fromarray(np.stack([grey, grey, grey], -1)).save("pictures/c_rgb.png")
Image.fromarray(np.stack([grey, grey * 0, grey * 0, grey * 0 + 9], -1)).save("pictures/d_red_alpha.png")
Image.fromarray(grey.astype(np.uint16) * 257).save("pictures/e_sixteen_bit.png")
palette = Image.fromarray(np.array([[0, 1, 2], [2, 1, 0]], dtype=np.uint8), mode="P")
palette.putpalette([0, 0, 0, 50, 50, 50, 200, 200, 200])
palette.save("pictures/f_palette.png")
