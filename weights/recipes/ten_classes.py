"""Link the photographs of the pool's ten most frequent ImageNet classes, a folder a class.

python ten_classes.py POOL FOLDER
"""

import csv
import sys
from collections import Counter
from pathlib import Path

SOURCES = ("nette", "imagen")
COUNT = 10


def main(pool: Path, folder: Path) -> None:
    """Link them by names that tell their shard, too."""
    with (pool / "index.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["source"] in SOURCES and row["label"]]
    frequent = {label for label, _ in Counter(row["label"] for row in rows).most_common(COUNT)}
    for row in rows:
        if row["label"] in frequent:
            link = folder / row["label"] / row["file"].replace("/", "-")
            link.parent.mkdir(parents=True, exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to((pool / row["file"]).resolve())


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
