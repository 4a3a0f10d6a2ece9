"""Print the top-1 accuracy of classifiers on a labelled folder's originals, a JSON line each.

python originals.py FOLDER MODEL...
"""

import json
import sys
from pathlib import Path

from neurocodec import files, images, tasks
from neurocodec.errors import NeurocodecError
from neurocodec.tasks import datasets


def main(folder: str, models: list[str]) -> None:
    """Ask every model that classifies."""
    data = datasets.read(Path(folder), "classification", None)
    pictures = [images.read(files.read(str(one.path)), one.name) for one in data.pictures]
    for model in models:
        try:
            task = tasks.create("classification", model, "cpu", "")
            logits = task.predict(pictures)
            scores = [
                task.score(one, one, picture.ground_truth).scores["top1"]
                for one, picture in zip(logits, data.pictures, strict=True)
            ]
        except (NeurocodecError, TypeError) as exc:
            print(f"{model}: {exc}", file=sys.stderr)
            continue
        line = {"model": task.model, "pictures": len(scores), "top1": sum(scores) / len(scores)}
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
