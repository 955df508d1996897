"""Files at a URL that fsspec speaks are read as those of this machine, from a real S3 server and from memory."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import polars as pl
import pytest
from moto import server as moto

import hookline as hl
from hookline.errors import DataError, MissingBackend
from hookline_polars import FileSource

FRAME = pl.DataFrame({"x": range(300), "city": [("Bonn", "Ulm", "Köln")[i % 3] for i in range(300)]})
SECRET = "hush-hush-7f3a"


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """A bucket of an S3 server, with an address and credentials in the environment."""
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "who",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():
            patch.setenv(name, value)
        import s3fs

        s3fs.S3FileSystem(skip_instance_cache=True).mkdir("shop")
        yield "s3://shop"
    server.stop()


def put(url: str, content: bytes) -> None:
    with fsspec.open(url, "wb") as opened:
        opened.write(content)


def bytes_of(frame: pl.DataFrame, suffix: str, folder: Path) -> bytes:
    path = folder / f"t{suffix}"
    {".csv": frame.write_csv, ".parquet": frame.write_parquet, ".ndjson": frame.write_ndjson}[suffix](path)
    return path.read_bytes()


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".ndjson"])
def test_a_file_of_a_bucket_is_read_as_one_of_this_machine(bucket: str, tmp_path: Path, suffix: str) -> None:
    url = f"{bucket}/one/t{suffix}"
    put(url, bytes_of(FRAME, suffix, tmp_path))
    dataset = FileSource(url).load()
    assert dataset.name == "t"
    assert dataset.frame.collect().equals(FRAME)
    ahead = FileSource(url).columns_ahead()
    assert ahead is None or list(ahead) == ["x", "city"]


def test_parquet_is_read_where_it_lies(bucket: str, tmp_path: Path) -> None:
    url = f"{bucket}/streamed/t.parquet"
    put(url, bytes_of(FRAME, ".parquet", tmp_path))
    assert "Parquet SCAN [s3://shop/streamed/t.parquet" in FileSource(url).load().frame.explain()


def test_a_glob_and_a_folder_give_the_files_in_order(bucket: str, tmp_path: Path) -> None:
    for part, rows in (("b", FRAME.tail(100)), ("a", FRAME.head(200))):
        put(f"{bucket}/many/{part}.csv", bytes_of(rows, ".csv", tmp_path))
    put(f"{bucket}/many/notes.md", b"no table")
    for path in (f"{bucket}/many/*.csv", f"{bucket}/many"):
        assert FileSource(path).load().frame.collect().equals(FRAME)
    named = FileSource(f"{bucket}/many", file_column="file").load().frame.collect()
    assert named["file"].unique(maintain_order=True).to_list() == ["a.csv", "b.csv"]


def test_packed_files_are_unpacked_and_options_hold(bucket: str) -> None:
    put(f"{bucket}/packed/t.csv.gz", gzip.compress(b"x;y\n1;?\n2;b\n"))
    found = FileSource(f"{bucket}/packed/t.csv.gz", separator=";", missing=("?",)).load().frame.collect()
    assert found.to_dict(as_series=False) == {"x": [1, 2], "y": [None, "b"]}


def test_another_content_has_another_fingerprint_and_the_same_has_the_same(bucket: str, tmp_path: Path) -> None:
    url = f"{bucket}/changed/t.csv"
    put(url, bytes_of(FRAME, ".csv", tmp_path))
    first = FileSource(url).fingerprint()
    put(url, bytes_of(FRAME, ".csv", tmp_path))
    assert FileSource(url).fingerprint() == first
    put(url, bytes_of(FRAME.with_columns(pl.col("x") + 1), ".csv", tmp_path))
    assert FileSource(url).fingerprint() != first
    assert FileSource(url).load().frame.collect()["x"][0] == 1


def test_a_run_of_a_bucket_sees_the_same_data_and_keeps_no_secret(bucket: str, tmp_path: Path) -> None:
    frame = FRAME.with_columns(y=pl.when(pl.col("x") % 2 == 0).then(pl.lit("no")).otherwise(pl.lit("yes")))
    local = tmp_path / "t.csv"
    local.write_bytes(bytes_of(frame, ".csv", tmp_path))
    put(f"{bucket}/run/t.csv", local.read_bytes())
    options: dict[str, Any] = {"target": "y", "trainer": "decision_tree", "packager": [], "home": tmp_path / "home"}
    runs = [hl.run(source=source, **options) for source in (str(local), f"{bucket}/run/t.csv")]
    assert len({run.evidence["data"]["version"] for run in runs}) == 1
    written = [path.read_bytes() for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert not any(SECRET.encode() in content for content in written)


def test_what_cannot_be_read_is_told(bucket: str) -> None:
    with pytest.raises(DataError, match="there is no file s3://shop/nothing.csv"):
        FileSource(f"{bucket}/nothing.csv").load()
    with pytest.raises(DataError, match="no file of a known format lies at s3://shop/no"):
        FileSource(f"{bucket}/no*.csv").fingerprint()
    put(f"{bucket}/large/t.csv", b"x\n1\n")
    with pytest.raises(DataError, match=r"has 4 bytes, and source.most_bytes allows 3"):
        FileSource(f"{bucket}/large/t.csv", most_bytes=3).load()
    with pytest.raises(DataError, match="is a URL, and only in a folder of this machine"):
        FileSource(f"{bucket}/many").position()
    put(f"{bucket}/bad/t.csv", b"")
    with pytest.raises(DataError, match="s3://shop/bad/t.csv is empty"):
        FileSource(f"{bucket}/bad/t.csv").load()


def test_any_protocol_of_fsspec_is_read(tmp_path: Path) -> None:
    put("memory://shop/t.csv", bytes_of(FRAME, ".csv", tmp_path))
    assert FileSource("memory://shop/t.csv").load().frame.collect().equals(FRAME)


def test_a_protocol_without_its_library_says_so() -> None:
    with pytest.raises(MissingBackend, match=r"(?s)a path of gs://.*'gcsfs'"):
        FileSource("gs://bucket/t.csv").load()
    with pytest.raises(DataError, match=r"a path of smb:// cannot be read: .*smbprotocol"):
        FileSource("smb://server/t.csv").load()


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("place", ["", "/year=*/*"])
def test_what_names_of_folders_say_is_a_column_as_on_this_machine(
    bucket: str, tmp_path: Path, suffix: str, place: str
) -> None:
    for year in (2025, 2026):
        content = bytes_of(pl.DataFrame({"x": [year - 2024]}), suffix, tmp_path)
        for root in (f"{bucket}/parted{suffix}", f"memory://parted{suffix}"):
            put(f"{root}/year={year}/t{suffix}", content)
    for root in (f"{bucket}/parted{suffix}", f"memory://parted{suffix}"):
        source = FileSource(f"{root}{place}")
        assert source.load().frame.collect().to_dict(as_series=False) == {"x": [1, 2], "year": [2025, 2026]}
        assert {*(source.columns_ahead() or ())} <= {"x", "year"}
        assert FileSource(f"{root}{place}", hive=False).load().frame.collect().columns == ["x"]


def test_a_file_in_another_folder_that_says_a_value_is_another_content(tmp_path: Path) -> None:
    content = bytes_of(FRAME, ".csv", tmp_path)
    found = set()
    for year in (2025, 2026):
        put(f"memory://moved{year}/year={year}/t.csv", content)
        memory = fsspec.filesystem("memory")
        # All that tells the two apart.
        memory.store[f"/moved{year}/year={year}/t.csv"].modified = memory.store["/moved2025/year=2025/t.csv"].modified
        memory.store[f"/moved{year}/year={year}/t.csv"].created = memory.store["/moved2025/year=2025/t.csv"].created
        found.add(FileSource(f"memory://moved{year}").fingerprint())
    assert len(found) == 2
