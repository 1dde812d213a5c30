"""Tiny raw files, and the real ones where they are at hand."""

import gzip
import pathlib

import pytest

REAL = pathlib.Path(__file__).parents[3] / "shared" / "data"
FRAPPE_HEADER = "label,user,item,daytime,weekday,isweekend,homework,cost,weather,country,city"


@pytest.fixture
def real():
    """Folder of a real data set, by name; skips the test where it is absent."""

    def find(name):
        if not (REAL / name).is_dir():
            pytest.skip(f"real data are absent, no rows of {name} to read: ../shared/data/{name}")
        return REAL / name

    return find


@pytest.fixture
def write():
    """Writes lines to a file, packed if its name ends in .gz."""

    def write_lines(path, lines):
        data = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
        return path

    return write_lines


@pytest.fixture
def frappe_files(tmp_path, write):
    """Folder with a small Frappe: user u0..u4 in train, one new user in test."""

    def make(train=40, name="raw"):
        folder = tmp_path / name
        for split, rows in {"train": train, "valid": 8, "test": 6}.items():
            lines = [f"{i % 2},u{i % 5},i{i % 3},d,mon,w,h,free,sun,,7" for i in range(rows)]
            if split == "test":
                lines[0] = "1,stranger,i0,d,mon,w,h,free,sun,France,7"
            write(folder / f"{split}.csv.gz", [FRAPPE_HEADER, *lines])
        return folder

    return make
