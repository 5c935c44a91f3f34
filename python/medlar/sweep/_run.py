# SPDX-License-Identifier: Apache-2.0
"""Points on a Dask cluster."""
import contextlib
import os
import uuid
from typing import Optional

from distributed import Client, LocalCluster, as_completed

from . import _work
from .._core import IoError
from ._counts import accuracy_figures, merge_counts
from ._space import Point, Space
from ._store import Store
from ._table import results

PROFILE = "profile"


def _part_name(index):
    return f"data-{index:06d}"


@contextlib.contextmanager
def _client(scheduler, workers):
    if scheduler:
        with Client(scheduler, set_as_default=False) as client:
            yield client
        return
    with LocalCluster(n_workers=workers or os.cpu_count(), threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        with Client(cluster, set_as_default=False) as client:
            yield client


class _Progress:
    """Points on a progress bar; none where `show` is false."""

    def __init__(self, total, done, show):
        self._bar = None
        if show:
            from tqdm import tqdm
            self._bar = tqdm(total=total, initial=done, unit="point", desc="sweep")

    def ended(self, point, result):
        if self._bar is not None:
            if result["status"] == "failed":
                self._bar.write(f"failed: {point}: {result['error'].splitlines()[0]}")
            self._bar.update()

    def close(self):
        if self._bar is not None:
            self._bar.close()


class _Sweep:
    """Keeps some points in flight, and what comes back in the store."""

    def __init__(self, client, store, progress):
        self._client, self._store, self._progress = client, store, progress
        self._tag = uuid.uuid4().hex
        self._completed = as_completed(with_results=False, loop=client.loop)
        self._units = {}    #: future's key: (point, name of the unit)
        self._missing = {}  #: point's id: names of units that are not there yet
        self._parts = {}    #: point's id: results by name
        self._futures = {}  #: point's id: what keeps its work alive

    def start(self, point):
        have = self._store.parts(point)
        names = [PROFILE, *(_part_name(index) for index in range(len(point.parts)))]
        if all(name in have for name in names):  # the client died between the last unit and the end of the point
            self._parts[point.id], self._missing[point.id], self._futures[point.id] = have, set(), []
            self._end(point, self._done(point))
            return
        # Keys are unique to this client: a unit that an earlier client left behind on the scheduler is not mistaken for ours.
        build = self._client.submit(_work.build, point, None, key=("build-" + point.id, self._tag), pure=False)
        wanted = {}
        if PROFILE not in have:
            wanted[PROFILE] = self._client.submit(_work.measure, point, build, key=("measure-" + point.id, self._tag), pure=False)
        for index, (path, number) in enumerate(point.parts):
            if _part_name(index) not in have:
                wanted[_part_name(index)] = self._client.submit(_work.compare, point, build, path, number,
                                                                key=(f"compare-{point.id}-{index}", self._tag), pure=False)
        self._parts[point.id] = have
        self._missing[point.id] = set(wanted)
        self._futures[point.id] = [build, *wanted.values()]
        for name, future in wanted.items():
            self._units[future.key] = (point, name)
            self._completed.add(future)

    @property
    def in_flight(self):
        return len(self._futures)

    def take_one(self):
        """Waits for one unit."""
        future = next(self._completed)
        point, name = self._units.pop(future.key)
        if point.id not in self._futures:
            return  # a unit of a point that has failed
        if future.status == "cancelled":
            raise IoError("the scheduler or the connection to it is gone; what is done is kept: run again")
        if future.status == "finished":
            result = future.result()
        else:  # its worker died again and again, or the scheduler gave up
            result = {"error": f"{type(future.exception()).__name__}: {future.exception()}"}
        if "error" in result:
            self._end(point, {"status": "failed", "error": result["error"]})
            return
        self._store.keep_part(point, name, result)
        self._parts[point.id][name] = result
        self._missing[point.id].discard(name)
        if not self._missing[point.id]:
            self._end(point, self._done(point))

    def _done(self, point):
        parts = self._parts[point.id]
        result = {"status": "done", "error": None, **parts[PROFILE]}
        slices = [parts[_part_name(index)] for index in range(len(point.parts))]
        if slices:
            result.update(accuracy_figures(merge_counts(slices)))
        result["host_seconds"] = sum(part["host_seconds"] for part in parts.values()) + result["build_seconds"]
        return result

    def _end(self, point, result):
        self._store.keep_point(point, result)
        self._progress.ended(point, result)
        for table in (self._missing, self._parts):
            table.pop(point.id)
        futures = self._futures.pop(point.id)
        if result["status"] == "failed":
            self._client.cancel(futures)


def run(space: Space, folder, scheduler: Optional[str] = None, workers: int = 0, retry_failed: bool = False, progress: bool = True):
    """Evaluates the points that `folder` does not hold yet; returns the table of all, which folder/results.parquet keeps too.

    folder: results; made where it is not there. Only this process needs it.
    scheduler: address of a Dask scheduler, e.g. "tcp://host:8786"; None: a cluster on this computer. Models, calibration data and data
        sets are read by the workers, by the paths that the space names.
    workers: processes of the cluster on this computer; 0: one a processor.
    retry_failed: evaluate points again that failed before.
    progress: show a bar.
    A worker that dies loses nothing but what it was doing, which another does again. A point that fails keeps its error in the table.
    """
    points = space.points()
    with Store(folder) as store:
        todo = []
        for point in points:
            kept = store.point(point)
            if kept is not None and kept["status"] == "failed" and retry_failed:
                store.forget(point)
                kept = None
            if kept is None:
                todo.append(point)
            else:
                store.tidy(point)
        bar = _Progress(len(points), len(points) - len(todo), progress)
        if todo:
            with _client(scheduler, workers) as client:
                _evaluate(client, store, bar, todo)
        bar.close()
        return results(store, points, write=True)


def _evaluate(client, store, bar, todo):
    sweep = _Sweep(client, store, bar)
    waiting = list(reversed(todo))
    while waiting or sweep.in_flight:
        # A few points more than workers: engines wait in the workers' memory.
        width = 2 + 2 * max(1, len(client.scheduler_info(n_workers=-1)["workers"]))
        while waiting and sweep.in_flight < width:
            sweep.start(waiting.pop())
        if sweep.in_flight:
            sweep.take_one()
