"""Reads what millrace wrote into Parquet, or writes what it is to read: `read <file>`, `write <file>`. Prints a line of JSON."""

import datetime
import decimal
import json
import sys
import uuid

import pyarrow as pa
import pyarrow.parquet as pq


def shown(value):
    """Of a column in Python's types, as JSON."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list):
        return [shown(item) for item in value]
    return value


def column(array):
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        return [None if value is None else str(value) for value in array.to_pylist()]
    # Python's own times end long before those of Parquet.
    if pa.types.is_temporal(kind):
        array = array.cast(pa.int32() if pa.types.is_date32(kind) else pa.int64())
    return [shown(value) for value in array.to_pylist()]


def read(path):
    table = pq.read_table(path)
    types = {field.name: str(field.type) for field in table.schema}
    columns = {name: column(table.column(name).combine_chunks()) for name in table.column_names}
    return {"rows": table.num_rows, "types": types, "columns": columns}


def write(path):
    """As others' programs write such columns: their own decimals, maps and times, several row groups, packed."""
    utc = datetime.timezone.utc
    when = datetime.datetime(2024, 2, 29, 12, 34, 56, 789000, utc)
    columns = {
        "k": pa.array([10, 11, 12], pa.int64()),
        "a": pa.array(["x", "y", None], pa.string()),
        "b": pa.array([2**63 - 1, -(2**63), None], pa.int64()),
        "bl": pa.array([b"\x00\xff", b"", None], pa.binary()),
        "bo": pa.array([True, False, None]),
        "d": pa.array([datetime.date(2024, 2, 29), datetime.date(1583, 1, 1), None], pa.date32()),
        "de": pa.array([decimal.Decimal("12.50"), decimal.Decimal("-0.01"), None], pa.decimal128(20, 2)),
        "db": pa.array([0.1, -1.5, None], pa.float64()),
        "f": pa.array([1.5, -0.25, None], pa.float32()),
        "i": pa.array(["127.0.0.1", "::1", None], pa.string()),
        "s": pa.array([1, -32768, None], pa.int16()),
        "t": pa.array(["text", "ünï\n'", None], pa.large_string()),
        "ti": pa.array([datetime.time(12, 34, 56, 789000), datetime.time(0), None], pa.time64("us")),
        "ts": pa.array([when, datetime.datetime(1970, 1, 1, tzinfo=utc), None], pa.timestamp("us", tz="UTC")),
        "ty": pa.array([7, -128, None], pa.int8()),
        "tu": pa.array(["8e6b6b80-5b0a-11ee-8c99-0242ac120002", None, None], pa.string()),
        "u": pa.array([uuid.UUID(int=1).bytes, uuid.UUID(int=2**128 - 1).bytes, None], pa.uuid()),
        "v": pa.array([decimal.Decimal("12345678901234567890"), decimal.Decimal(-1), None], pa.decimal128(38, 0)),
        "li": pa.array([[3, 1, 2], [], None], pa.list_(pa.int32())),
        "st": pa.array([["b", "a"], [], None], pa.list_(pa.string())),
        "m": pa.array([[("k", 1), ("l", 2)], [], None], pa.map_(pa.string(), pa.int32())),
        "mi": pa.array([[(2, "two"), (1, "one")], [], None], pa.map_(pa.int32(), pa.string())),
        "tp": pa.array(['[1,"x"]', None, None], pa.string()),
        "fl": pa.array([[[1, 2], [3]], [], None], pa.list_(pa.list_(pa.int32()))),
    }
    codec = sys.argv[3]
    # As Spark writes times unless it is told otherwise.
    pq.write_table(pa.table(columns), path, row_group_size=2, compression=codec, use_deprecated_int96_timestamps=codec == "gzip")
    return {"rows": 3}


print(json.dumps({"read": read, "write": write}[sys.argv[1]](sys.argv[2])))
