# SPDX-License-Identifier: Apache-2.0
"""Results on disk, a file a unit of work, each written whole or not at all."""
import fcntl
import json
import os
import pathlib
from typing import Dict, Optional

from .._core import Busy, Corrupt, IoError
from ._space import Point


class StoreBusy(Busy):
    """Another sweep is writing to the folder."""


class Store:
    """A folder of results:

        points/ID.json         a point that is done or has failed
        parts/ID/NAME.json     a unit of a point that is not: its profile, or a slice of its data set
        results.parquet        the table of the last run

    One process writes at a time; the lock goes with the process, however that ends.
    """

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        try:
            for name in ("points", "parts"):
                (self.folder / name).mkdir(parents=True, exist_ok=True)
            self._lock = open(self.folder / "lock", "w")
        except OSError as error:
            raise IoError(f"{folder}: {error.strerror}") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise StoreBusy(f"{folder}: another sweep writes to it") from None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._lock.close()

    @property
    def table_path(self) -> pathlib.Path:
        return self.folder / "results.parquet"

    def point(self, point: Point) -> Optional[dict]:
        """What was kept of a point that is done or has failed."""
        return _read(self.folder / "points" / f"{point.id}.json")

    def parts(self, point: Point) -> Dict[str, dict]:
        """Units of a point that are done, by name."""
        return {path.stem: _read(path) for path in sorted((self.folder / "parts" / point.id).glob("*.json"))}

    def keep_part(self, point: Point, name: str, result: dict) -> None:
        folder = self.folder / "parts" / point.id
        folder.mkdir(exist_ok=True)
        _write(folder / f"{name}.json", result)

    def keep_point(self, point: Point, result: dict) -> None:
        """Ends a point; its units are in `result`."""
        _write(self.folder / "points" / f"{point.id}.json", result)
        self._drop_parts(point)

    def tidy(self, point: Point) -> None:
        """What a client left that was killed between a point's end and the removal of its units."""
        self._drop_parts(point)

    def forget(self, point: Point) -> None:
        """As if the point had never been evaluated."""
        (self.folder / "points" / f"{point.id}.json").unlink(missing_ok=True)
        self._drop_parts(point)

    def _drop_parts(self, point):
        folder = self.folder / "parts" / point.id
        if folder.is_dir():
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()


def _read(path):
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise Corrupt(f"{path}: {error}; delete it and the point is evaluated again") from error


def _write(path, result):
    whole = path.with_suffix(".tmp")
    try:
        with open(whole, "w") as file:
            json.dump(result, file, sort_keys=True, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(whole, path)
    except OSError as error:
        raise IoError(f"{path}: {error.strerror}") from error
