"""Trains on each way to build a training set and scores twice: on test rows built the same way, and on rows as they are known in service.

train.py PLAN, a JSON file: {"datasets": {"known": address, "naive": address}, "stale": {hours: address}, "seeds": [...], "results": path,
"model": path}. Known and naive have the same rows. What is scored in service is always `known`: a column that it does not have is missing,
as it is when a request comes. Who has stale inputs trains on stale inputs too.
"""

from __future__ import annotations

import json
import pathlib
import sys
from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

import joblib
import pyarrow as pa
import tributary_data as td
from inputs import Encoder, Matrix
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from ways import KNOWN, WAYS, Way

Model = HistGradientBoostingClassifier


class Rows:
    """The rows of one split, as each way sees them."""

    def __init__(self, known: td.Split, naive: td.Split, key: str) -> None:
        self.known = known.to_arrow().sort_by(key)
        self.naive = naive.to_arrow().sort_by(key)
        if not self.known[key].equals(self.naive[key]):
            sys.exit(f"{known} and {naive} do not have the same rows")

    def seen_by(self, way: Way) -> pa.Table:
        rows = self.known.drop_columns([name for name in way.naive if name in self.known.column_names])
        for name in way.naive:
            rows = rows.append_column(name, self.naive[name])
        return rows


class Trained:
    """A model a seed, from the same rows."""

    def __init__(self, rows: pa.Table, columns: Sequence[str], label: str, seeds: Sequence[int]) -> None:
        self.encoder = Encoder.learn(rows, columns)
        self.label = label
        matrix, truth = self.encoder.matrix(rows), rows[label].to_numpy()
        # A seed a core is faster than all cores for one seed. Loky's processes take seconds to start, so a single seed stays in this one.
        with joblib.parallel_config("loky", n_jobs=min(len(seeds), joblib.cpu_count()), inner_max_num_threads=1):
            jobs = [joblib.delayed(fit)(matrix, truth, self.encoder.categorical, seed) for seed in seeds]
            self.models: list[Model] = joblib.Parallel()(jobs)

    def judge(self, rows: pa.Table) -> dict[str, float]:
        """The area under the curve: its mean over the models, and how far they are apart."""
        matrix, truth = self.encoder.matrix(rows), rows[self.label].to_numpy()
        areas = [float(roc_auc_score(truth, model.predict_proba(matrix)[:, 1])) for model in self.models]
        return {"auc": mean(areas), "spread": max(areas) - min(areas)}


def fit(matrix: Matrix, truth: Any, categorical: Sequence[bool], seed: int) -> Model:
    # Learns from all rows; the seed chooses those by which values are put into bins. What the default holds out to stop early never stops it here.
    model = HistGradientBoostingClassifier(random_state=seed, categorical_features=categorical, early_stopping=False)
    return model.fit(matrix, truth)


def main(plan: Mapping[str, Any]) -> None:
    known, naive = (td.load(plan["datasets"][name]) for name in ("known", "naive"))
    label, (key,) = str(known.label), known.key
    train, test = (Rows(known[part], naive[part], key) for part in ("train", "test"))
    ways: dict[str, Any] = {}
    staleness: dict[str, Any] = {}
    for way in WAYS:
        trained = Trained(train.seen_by(way), way.columns, label, plan["seeds"])
        judged = {"offline": trained.judge(test.seen_by(way)), "service": trained.judge(test.known)}
        ways[way.name] = {"title": way.title, **judged}
        if way == KNOWN:
            staleness["0"] = judged["service"]
            kept = {"model": trained.models[0], "encoder": trained.encoder, "dataset": f"{known.name}@{known.id}"}
            joblib.dump(kept, plan["model"])
    for hours, address in plan["stale"].items():
        stale = td.load(address)
        trained = Trained(stale.train.to_arrow(), KNOWN.columns, label, plan["seeds"])
        staleness[hours] = trained.judge(stale.test.to_arrow())
    results = {"ways": ways, "staleness": staleness}
    pathlib.Path(plan["results"]).write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")))
