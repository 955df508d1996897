"""The file source on files that are packed: with gzip, zstd and zip, whole, damaged and far too large."""

from __future__ import annotations

import gzip
import json
import re
import zipfile
from pathlib import Path

import polars as pl
import pytest
import zstandard

from hookline.data.versions import version_of
from hookline.errors import DataError
from hookline_polars import FileSource
from kit.tables import rows_of

ROWS = pl.DataFrame({"a": [1, 2, 3], "b": ["x", None, "z"], "c": [0.5, 1.5, 2.5]})
CSV = ROWS.write_csv().encode()
NDJSON = "".join(f"{json.dumps(row)}\n" for row in ROWS.to_dicts()).encode()


def packed(path: Path, content: bytes, member: str | None = None) -> str:
    """Write a file packed as its suffix says, by Python's own gzip and zip, and by zstandard."""
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(content))
    elif path.suffix == ".zst":
        path.write_bytes(zstandard.ZstdCompressor().compress(content))
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(member or path.stem, content)
    return str(path)


@pytest.mark.parametrize("suffix", ["gz", "zst", "zip"])
@pytest.mark.parametrize(("name", "content"), [("t.csv", CSV), ("t.ndjson", NDJSON)])
def test_a_packed_file_gives_the_rows_of_what_is_in_it(tmp_path: Path, name: str, content: bytes, suffix: str) -> None:
    dataset = FileSource(path=packed(tmp_path / f"{name}.{suffix}", content)).load()
    assert (dataset.name, dataset.frame.collect().to_dicts()) == ("t", ROWS.to_dicts())


def test_first_bytes_tell_of_a_file_whose_name_does_not_say_that_it_is_packed(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(gzip.compress(CSV))
    assert rows_of(FileSource(path=str(tmp_path / "t.csv"))).equals(ROWS)


def test_an_archive_s_member_says_the_format_where_the_archive_does_not(tmp_path: Path) -> None:
    path = packed(tmp_path / "export.zip", NDJSON, member="deep/../../rows.ndjson")
    assert rows_of(FileSource(path=path)).to_dicts() == ROWS.to_dicts()
    assert [file.name for file in tmp_path.iterdir()] == ["export.zip"]


def test_an_archive_of_several_files_is_refused_with_their_names(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
        archive.writestr("a.csv", CSV)
        archive.writestr("b.csv", CSV)
    with pytest.raises(DataError, match=r"t\.zip holds 2 files \(a\.csv, b\.csv\), and one is read"):
        FileSource(path=str(tmp_path / "t.zip")).load()


@pytest.mark.parametrize("suffix", ["gz", "zst", "zip"])
def test_what_unpacks_to_far_more_than_its_limit_is_refused(tmp_path: Path, suffix: str) -> None:
    path = packed(tmp_path / f"bomb.csv.{suffix}", b"a,b\n" + b"1,2\n" * 5_000_000)
    assert Path(path).stat().st_size < 200_000
    with pytest.raises(DataError, match=r"bomb\.csv\.\w+ holds more than 1,000,000 bytes") as caught:
        FileSource(path=path, most_bytes=1_000_000).load()
    assert "source.most_bytes" in str(caught.value.hint)


@pytest.mark.parametrize("suffix", ["gz", "zst", "zip"])
@pytest.mark.parametrize("harm", ["cut", "changed"])
def test_a_damaged_archive_is_one_clear_error(tmp_path: Path, suffix: str, harm: str) -> None:
    text = "".join(f"{n},{n * n % 97}\n" for n in range(50_000))
    path = Path(packed(tmp_path / f"t.csv.{suffix}", f"a,b\n{text}".encode()))
    content = bytearray(path.read_bytes())
    half = len(content) // 2
    if harm == "changed":
        content[half : half + 40] = b"\xff" * 40
    path.write_bytes(content[:half] if harm == "cut" else content)
    with pytest.raises(DataError, match=rf"{re.escape(str(path))} is damaged, or cut short, as ") as caught:
        FileSource(path=str(path)).load()
    assert caught.value.hint == "copy or pack it again"


def test_a_file_that_is_not_packed_as_its_name_says_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv.gz").write_bytes(CSV)
    with pytest.raises(DataError, match=r"t\.csv\.gz is not packed with gzip: its first bytes are 61 2c 62 2c"):
        FileSource(path=str(tmp_path / "t.csv.gz")).load()


def test_several_frames_of_zstd_in_one_file_are_read_whole(tmp_path: Path) -> None:
    first, second = (Path(packed(tmp_path / f"{n}.csv.zst", part)) for n, part in enumerate((CSV[:9], CSV[9:])))
    (tmp_path / "t.csv.zst").write_bytes(first.read_bytes() + second.read_bytes())
    assert rows_of(FileSource(path=str(tmp_path / "t.csv.zst"))).equals(ROWS)


def test_errors_and_the_file_column_name_the_packed_file(tmp_path: Path) -> None:
    path = packed(tmp_path / "t.csv.gz", CSV)
    assert set(rows_of(FileSource(path=path, file_column="file"))["file"]) == {"t.csv.gz"}
    packed(tmp_path / "t.csv.gz", b"a,b\n1,2\n3\n")
    with pytest.raises(DataError) as caught:
        FileSource(path=path).load()
    assert f"line 3 of {path} has 1 value" in str(caught.value)


def test_a_folder_of_packed_files_reads_as_one_table_and_reads_on(tmp_path: Path) -> None:
    packed(tmp_path / "1.csv.gz", CSV)
    packed(tmp_path / "2.csv.zip", CSV)
    source = FileSource(path=str(tmp_path))
    assert rows_of(source).equals(pl.concat([ROWS, ROWS]))
    before = source.position()
    packed(tmp_path / "3.csv.gz", CSV)
    assert source.load_between(before, source.position()).frame.collect().equals(ROWS)


def test_a_folder_that_holds_a_table_packed_and_unpacked_is_refused(tmp_path: Path) -> None:
    packed(tmp_path / "1.csv.gz", CSV)
    (tmp_path / "1.csv").write_bytes(CSV)
    with pytest.raises(DataError, match=r"1\.csv and .*1\.csv\.gz are one table twice"):
        FileSource(path=str(tmp_path)).load()


def test_a_packed_file_is_read_again_once_it_changes(tmp_path: Path) -> None:
    source = FileSource(path=packed(tmp_path / "t.csv.gz", CSV))
    before, first = source.fingerprint(), source.load().frame
    packed(tmp_path / "t.csv.gz", CSV + b"4,y,3.5\n")
    assert (rows_of(source).height, source.fingerprint() != before, first.collect().height) == (4, True, 3)


def test_a_packed_file_is_the_same_version_of_the_data_as_the_file_itself(tmp_path: Path, shared_data: Path) -> None:
    plain = shared_data / "penguins.csv"
    path = packed(tmp_path / "penguins.csv.gz", plain.read_bytes())
    versions = [version_of(FileSource(path=str(file)).load().frame, "penguins") for file in (plain, path)]
    assert versions[0].fingerprint == versions[1].fingerprint
