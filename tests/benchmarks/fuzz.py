"""Feed mutated files to every parser of the program, and count what comes of them.

    pip install atheris
    python tests/benchmarks/fuzz.py --runs 100000          # of each parser
    python tests/benchmarks/fuzz.py bpg model --runs 5000  # of these

atheris changes small sound files guided by the code that they reach; checksums are taken for right,
or nothing behind them would ever be reached. A parser may refuse a file by an error of the program,
and nothing else: any other exception, ten seconds for one input and 2 GB of memory end the run.
"""

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["neurocodec"]):
    from neurocodec import codecs, images
    from neurocodec.batch import manifest
    from neurocodec.codecs import Level
    from neurocodec.codecs.bpg import container, streams
    from neurocodec.codecs.learned import stream
    from neurocodec.codecs.vvc import still
    from neurocodec.errors import BadInputError, NeurocodecError, UsageError
    from neurocodec.evaluation import results
    from neurocodec.filters.schedule import Schedule
    from neurocodec.networks import checkpoint
    from neurocodec.networks.recognisers import loading
    from neurocodec.networks.recognisers.tuned import Tuned
    from neurocodec.networks.tv import Tv
    from neurocodec.tasks.datasets import coco, labels_csv

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.conftest import picture
from tests.networks import dic_files, recogniser_files, spic_files

_MOST_MB, _MOST_S = 2048, 10
_MOST_PIXELS = 1 << 12  # of a learned codec's picture: more is slow by design, and bounded
Parser = Callable[[bytes], object]


def coded(name: str) -> Iterator[bytes]:
    """Small sound files of a codec."""
    for size in ((24, 18), (8, 8)):
        for alpha in (False, True):
            codec = codecs.create(name)
            image = picture(*size, alpha=alpha)
            with suppress(UsageError):
                yield codec.encode(image, Level(codec.unit, codec.levels[len(codec.levels) // 3]))


def bpg(data: bytes) -> None:
    """The container, and the headers of its streams."""
    streams.colour_and_alpha(container.demux(data))
    codecs.create("bpg").inspect(data)


def vvc(data: bytes) -> None:
    """The rewriting of an encoder's stream, and the headers of a .266."""
    with suppress(NeurocodecError):
        still.write(data, 24, 18)
    still.read(data)


def inspect(name: str) -> Parser:
    """The header of a codec's files."""
    codec = codecs.create(name)
    return lambda data: codec.inspect(data)


def learned(name: str, weights: str) -> Parser:
    """The whole of a learned codec's files, with untrained weights."""
    codec = codecs.create(f"{name}:weights={weights}")

    def parse(data: bytes) -> None:
        header = codec.inspect(data)
        if header["width"] * header["height"] <= _MOST_PIXELS:
            codec.decode(data)

    return parse


def in_file(ending: str, read: Callable[[Path], object]) -> Parser:
    """A parser of files by their names."""
    path = Path(tempfile.mkdtemp(prefix="neurocodec-fuzz-")) / f"labels{ending}"
    (path.parent / "a.png").write_bytes(images.png(picture(8, 8)))

    def parse(data: bytes) -> object:
        path.write_bytes(data)
        return read(path)

    return parse


def tuned() -> bytes:
    """A recogniser as `finetune-recogniser` writes it."""
    tensors = recogniser_files.weights(recogniser_files.CLASSIFIER_OPS)
    sound = loading.described("x", recogniser_files.CLASSIFIER, tensors)
    return checkpoint.dump(Tuned.of(sound), "recogniser", {})


def model_json() -> Parser:
    """The description of a recogniser, beside tensors that fit a sound one."""
    folder = Path(tempfile.mkdtemp(prefix="neurocodec-fuzz-"))
    weights = recogniser_files.write(folder, recogniser_files.CLASSIFIER)

    def parse(data: bytes) -> None:
        weights.with_suffix(".json").write_bytes(data)
        loading.load(str(weights))

    return parse


def targets(folder: Path) -> dict[str, tuple[list[bytes], Parser]]:
    """Sound files and the parser, by name."""
    dic, spic = str(dic_files.dic(folder)), str(spic_files.spic(folder))
    entry = {"input": "a.png", "output": "a.bpg", "settings": {"qp": 34}, "sha256": "0"}
    point = Path(__file__).resolve().parents[2] / "weights/results/detection.jsonl"
    listed = {
        "images": [{"id": 1, "file_name": "a.png", "width": 8, "height": 8}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}],
        "categories": [{"id": 1, "name": "person"}],
    }
    (folder / "a.png").write_bytes(images.png(picture(8, 8)))
    return {
        "bpg": ([*coded("bpg")], bpg),
        "vvc": ([*coded("vvc")], vvc),
        "jpeg2000": ([*coded("jpeg2000")], inspect("jpeg2000")),
        "jpeg": ([*coded("jpeg")], inspect("jpeg")),
        "jxl": ([*coded("jxl")], inspect("jxl")),
        "webp": ([*coded("webp")], inspect("webp")),
        "avif": ([*coded("avif")], inspect("avif")),
        "heic": ([*coded("heic")], inspect("heic")),
        "dic": ([*coded(f"dic:weights={dic}")], learned("dic", dic)),
        "spic": ([*coded(f"spic:weights={spic}")], learned("spic", spic)),
        "manifest": ([json.dumps(entry).encode()], lambda data: manifest.read(data, "x")),
        "results": ([point.read_bytes()[:1500]], in_file(".jsonl", lambda p: results.read(str(p)))),
        "weights": (
            [checkpoint.dump(Tv(width=1), "tv", {}), tuned()],
            lambda data: checkpoint.load(data, "x"),
        ),
        "schedule": (
            [json.dumps({"filters": {"34": "blur:sigma=0.5"}}).encode()],
            in_file(".json", lambda path: Schedule(str(path))),
        ),
        "model": ([json.dumps(recogniser_files.CLASSIFIER).encode()], model_json()),
        "labels": (
            [b"file,class_index\na.png,1\n"],
            in_file(".csv", lambda path: labels_csv.read(path.parent)),
        ),
        "coco": (
            [json.dumps(listed).encode()],
            in_file(".json", lambda path: [*coco.read(path, folder, "detection", None)]),
        ),
        "tiff": ([_tiff()], lambda data: images.read(data, "x", 1 << 16)),
    }


def _tiff() -> bytes:
    import numpy as np
    import PIL.Image

    buffer = io.BytesIO()
    PIL.Image.fromarray(np.arange(64, dtype=np.uint16).reshape(8, 8)).save(buffer, "TIFF")
    return buffer.getvalue()


def fuzz(name: str, runs: int) -> None:
    """Fuzz one parser in this process, to its end."""
    stream._check = lambda data, end: None
    folder = Path(tempfile.mkdtemp(prefix="neurocodec-fuzz-"))
    seeds, parse = targets(folder)[name]
    corpus = folder / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(seeds):
        (corpus / str(number)).write_bytes(seed)
    count = {"inputs": 0, "sound": 0}

    def one(data: bytes) -> None:
        count["inputs"] += 1
        with suppress(NeurocodecError, BadInputError):
            parse(data)
            count["sound"] += 1
        if count["inputs"] >= runs:
            print(json.dumps({"parser": name, **count}), flush=True)
            os._exit(0)

    limits = [f"-timeout={_MOST_S}", f"-rss_limit_mb={_MOST_MB}", "-max_len=65536"]
    prefix = f"-artifact_prefix={folder}/"
    atheris.Setup([sys.argv[0], *limits, prefix, "-verbosity=0", str(corpus)], one)
    atheris.Fuzz()


def main() -> None:
    """Fuzz the parsers one after the other, each in a process, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parsers", nargs="*")
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        fuzz(options.parsers[0], options.runs)
        return
    with tempfile.TemporaryDirectory() as folder:
        names = options.parsers or list(targets(Path(folder)))
    total = failed = 0
    for name in names:
        command = [sys.executable, __file__, name, "--here", "--runs", str(options.runs)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            failed += 1
            print(f"{name}: FAILED\n{done.stderr[-3000:]}", flush=True)
            continue
        counted = json.loads(done.stdout.splitlines()[-1])
        total += counted["inputs"]
        print(f"{name:10} {counted['inputs']:9} inputs, {counted['sound']:9} sound", flush=True)
    print(f"{total} inputs, {failed} parsers that failed")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
