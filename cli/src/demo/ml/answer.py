"""Answers one request: answer.py MODEL REQUEST ANSWER. The request is a JSON object with the columns that the model was trained on."""

from __future__ import annotations

import json
import pathlib
import sys

import joblib
import pyarrow as pa


def main(model_path: str, request: pathlib.Path, answer: pathlib.Path) -> None:
    kept = joblib.load(model_path)
    encoder = kept["encoder"]
    row = json.loads(request.read_text(encoding="utf-8"))
    # A column that is not in the request is an error of who asks; one that is null is not known.
    rows = pa.Table.from_pylist([{name: row[name] for name in encoder.columns}])
    probability = kept["model"].predict_proba(encoder.matrix(rows))[0, 1]
    answer.write_text(json.dumps({"probability": float(probability), "dataset": kept["dataset"]}) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]))
