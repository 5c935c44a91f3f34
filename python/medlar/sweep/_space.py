# SPDX-License-Identifier: Apache-2.0
"""What a sweep is over: models x devices x precisions x calibrators x memory systems."""
import hashlib
import json
import os
import pathlib
from dataclasses import asdict, dataclass, field, fields
from typing import Dict, List, Mapping, Optional, Sequence, Union

from .. import _core
from .._core import InvalidArgument

PRECISIONS = ("fp16", "int8")
CALIBRATORS = ("best", "entropy", "mse", "percentile", "max")
TASKS = ("classify", "detect", "segment", "tensor")


def _check_keys(kind, given, what):
    known = [entry.name for entry in fields(kind)]
    for key in given:
        if key not in known:
            raise InvalidArgument(f"{what}: unknown key {key!r}; there are {', '.join(known)}")


def _made(kind, given, what, names="name"):
    """`given` (an object, a mapping, or the one string that stands for it) as a `kind`."""
    if isinstance(given, kind):
        return given
    if isinstance(given, (str, os.PathLike)):
        return kind(os.fspath(given))
    if not isinstance(given, Mapping):
        raise InvalidArgument(f"{what}: {given!r} is neither a name nor a mapping")
    _check_keys(kind, given, what)
    return kind(**given)


def _list(given, what):
    if isinstance(given, (str, os.PathLike, Mapping)) or not isinstance(given, Sequence):
        given = [given]
    if not given:
        raise InvalidArgument(f"{what}: the list is empty")
    return list(given)


@dataclass(frozen=True)
class Memory:
    """A memory system. What is not given is the device's own, or the build's default."""
    name: str
    mode: str = ""                        #: power mode of the module: clocks of DLA, GPU, CPU and DRAM
    dram_gb_s: float = 0                  #: peak bandwidth of another DRAM
    dla_sram: Optional[int] = None        #: bytes of on-chip memory for intermediate tensors
    dla_local_dram: Optional[int] = None  #: bytes that one DLA segment may take for intermediate tensors
    dla_global_dram: Optional[int] = None  #: bytes that one DLA segment may take for weights

    @property
    def pools(self) -> Dict[str, int]:
        named = {"dla_sram": self.dla_sram, "dla_local_dram": self.dla_local_dram, "dla_global_dram": self.dla_global_dram}
        return {name: size for name, size in named.items() if size is not None}


@dataclass(frozen=True)
class Data:
    """A data set: one folder or archive of images or arrays, or several that hold a part each, wherever a worker finds them."""
    images: Union[str, Sequence[str]]
    task: str = "classify"
    slices: int = 1          #: parts that each of them is evaluated in, on different workers
    limit: int = 0           #: images of each slice; 0: all
    confidence: float = 0.5  #: "detect": boxes of the reference that count

    def __post_init__(self):
        object.__setattr__(self, "images", [os.fspath(path) for path in _list(self.images, "data: images")])
        if self.task not in TASKS:
            raise InvalidArgument(f"data: task {self.task!r}; there are {', '.join(TASKS)}")
        if self.slices < 1:
            raise InvalidArgument(f"data: {self.slices} slices")

    @property
    def parts(self) -> List[tuple]:
        """(path, slice number) of every part."""
        return [(path, number) for path in self.images for number in range(self.slices)]


@dataclass(frozen=True)
class Model:
    """A model, with what differs from the sweep's other models."""
    file: str
    calibration: Optional[str] = None
    data: Optional[Data] = None
    shapes: Optional[Mapping[str, Sequence[int]]] = None
    layer_devices: Optional[Mapping[str, str]] = None

    def __post_init__(self):
        if self.data is not None:
            object.__setattr__(self, "data", _made(Data, self.data, f"model {self.file}: data"))


@dataclass(frozen=True)
class Point:
    """One combination."""
    model: Model
    device: str
    precision: str
    calibrator: str  #: "" where the precision needs none
    memory: Memory
    digest: str      #: of the model file

    @property
    def id(self) -> str:
        """The same for the same work: definition, contents of the model, version of Medlar."""
        known = {"point": asdict(self), "version": _core.__version__}
        return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:24]

    @property
    def parts(self) -> List[tuple]:
        return self.model.data.parts if self.model.data else []

    def __str__(self):
        precision = f"{self.precision} {self.calibrator}".strip()
        return f"{os.path.basename(self.model.file)} on {self.device}, {precision}, memory {self.memory.name}"


def _digest(path):
    try:
        return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
    except OSError as error:
        raise _core.IoError(f"{path}: {error.strerror}") from error


@dataclass
class Space:
    """All points of a sweep. Each argument is one value or a list.

    models: ONNX files (str or Model); devices: names of device profiles.
    precisions: "fp16", "int8". calibrators: "best", "entropy", "mse", "percentile", "max"; of INT8 builds.
    memory: Memory objects or mappings.
    calibration, data: for models that name none of their own. Paths are those of the workers.
    """
    models: Sequence
    devices: Sequence[str] = field(default_factory=lambda: [_core.Device.default_name()])
    precisions: Sequence[str] = ("fp16",)
    calibrators: Sequence[str] = ("best",)
    memory: Sequence = (Memory("default"),)
    calibration: Optional[str] = None
    data: Optional[Data] = None

    def points(self) -> List[Point]:
        """In the order of the lists. Raises InvalidArgument for what can be known to be wrong beforehand."""
        devices = [self._device(name) for name in _list(self.devices, "devices")]
        memories = [_made(Memory, memory, "memory") for memory in _list(self.memory, "memory")]
        found = []
        for model in self._models():
            digest = _digest(model.file)
            for device in devices:
                for precision, calibrator in self._precisions(model):
                    found += [Point(model, device, precision, calibrator, memory, digest) for memory in memories]
        known = {}
        for point in found:
            if point.id in known:
                raise InvalidArgument(f"{point}: is listed twice")
            known[point.id] = point
        return found

    @staticmethod
    def _device(name):
        names = _core.Device.names()
        for canonical in (name, f"nvdla-{name}"):
            if canonical in names:
                return canonical
        raise InvalidArgument(f"device {name!r}: there are {', '.join(names)}")

    def _models(self):
        data = None if self.data is None else _made(Data, self.data, "data")
        for given in _list(self.models, "models"):
            own = _made(Model, given, "models")
            yield Model(own.file, own.calibration or (os.fspath(self.calibration) if self.calibration else None), own.data or data,
                        own.shapes, own.layer_devices)

    def _precisions(self, model):
        for precision in _list(self.precisions, "precisions"):
            if precision not in PRECISIONS:
                raise InvalidArgument(f"precision {precision!r}; there are {', '.join(PRECISIONS)}")
            if precision != "int8":
                yield precision, ""
                continue
            for calibrator in _list(self.calibrators, "calibrators"):
                if calibrator not in CALIBRATORS:
                    raise InvalidArgument(f"calibrator {calibrator!r}; there are {', '.join(CALIBRATORS)}")
                yield precision, calibrator


def load_space(path) -> Space:
    """A Space from a YAML file with its arguments as keys; relative paths start at the file's folder."""
    import yaml
    try:
        with open(path) as file:
            read = yaml.safe_load(file)
    except OSError as error:
        raise _core.IoError(f"{path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise InvalidArgument(f"{path}: {error}") from error
    if not isinstance(read, Mapping):
        raise InvalidArgument(f"{path}: a mapping with the key 'models' is wanted")
    _check_keys(Space, read, path)
    if "models" not in read:
        raise InvalidArgument(f"{path}: no models")
    return Space(**_rooted(dict(read), os.path.dirname(os.path.abspath(path))))


def _rooted(read, folder):
    """Paths of a file, absolute."""
    def rooted(value):
        return [rooted(part) for part in value] if isinstance(value, list) else os.path.join(folder, value)

    def data(value):
        return {**value, "images": rooted(value["images"])} if isinstance(value, Mapping) and "images" in value else rooted(value)

    def model(value):
        if not isinstance(value, Mapping):
            return rooted(value)
        out = dict(value)
        for key, make in (("file", rooted), ("calibration", rooted), ("data", data)):
            if out.get(key) is not None:
                out[key] = make(out[key])
        return out
    read["models"] = [model(value) for value in _list(read["models"], "models")]
    for key, make in (("calibration", rooted), ("data", data)):
        if read.get(key) is not None:
            read[key] = make(read[key])
    return read
