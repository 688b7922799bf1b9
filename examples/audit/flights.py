"""Recomputes random values of the dataset `delays` from the raw landing files, and compares: flights.py LANDING DATASET DELIVERIES.

LANDING is the folder of DMS files with flights, weather and planes, DATASET the folder of a published dataset, and DELIVERIES a CSV file
that tells when each file was ingested (table, file, ingested_at); the stored feature was refreshed after each of these times. Of the
dataset the rows and the cut are read; what each column means is written down here a second time. Exits 1 when a value differs.

Whole numbers, texts and truth values must be equal, floating-point numbers up to a relative difference of 10^-12: both sides round.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import random
import statistics
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet
from replay import Change, Known, Replay, Row, Schema, boolean, read_changes, timestamp

FLIGHTS = Schema(
    key=("time_hour", "carrier", "flight"),
    columns={
        "time_hour": timestamp,
        "carrier": str,
        "flight": int,
        "minute": int,
        "tailnum": str,
        "origin": str,
        "dest": str,
        "dep_delay": int,
        "arr_delay": int,
        "air_time": int,
        "cancelled": boolean,
    },
)
WEATHER = Schema(
    key=("origin", "time_hour"),
    columns={
        "origin": str,
        "time_hour": timestamp,
        "temp": float,
        "wind_speed": float,
        "visib": float,
        "precip": float,
    },
)
PLANES = Schema(key=("tailnum",), columns={"tailnum": str, "seats": int, "year": int})
RELATIVE = 1e-12


class World:
    """What was known of each table at the time of a row, and what it is in the end."""

    def __init__(self, landing: Path, deliveries: dict[tuple[str, str], datetime], clock: str) -> None:
        changes = {
            table: read_changes(landing / table, schema)
            for table, schema in (("flights", FLIGHTS), ("weather", WEATHER), ("planes", PLANES))
        }
        self.files = len({(table, change.file) for table, found in changes.items() for change in found})

        def by_lake(table: str) -> Callable[[Change], datetime]:
            return lambda change: deliveries[table, change.file]

        def by_clock(table: str) -> Callable[[Change], datetime]:
            return by_lake(table) if clock == "lake" else lambda change: change.source_at

        self.flights = Replay(changes["flights"], by_clock("flights"))
        self.weather = Replay(changes["weather"], by_clock("weather"))
        self.final = {table: Replay(found, by_lake(table)) for table, found in changes.items()}
        times = sorted(set(deliveries.values()))
        self.refreshes = times
        self.served = served_values(Replay(changes["flights"], by_lake("flights")), times)
        for replay in self.final.values():
            replay.advance(times[-1])

    def advance(self, until: datetime) -> None:
        self.flights.advance(until)
        self.weather.advance(until)


# --- What the columns mean ---


def newest(rows: list[Known], column: str, not_before: datetime | None = None) -> Any:
    """The value in the row that became known last; none if that is too old."""
    if not rows:
        return None
    last = max(rows, key=lambda known: (known.since, known.order))
    return None if not_before is not None and last.since < not_before else last.row[column]


def inside(rows: list[Known], at: datetime, over: timedelta) -> list[Known]:
    """Rows whose own time lies in (at - over, at]."""
    return [known for known in rows if at - over < known.row["time_hour"] <= at]


def present(rows: Iterable[Known], column: str) -> list[Any]:
    return [known.row[column] for known in rows if known.row[column] is not None]


def mean(values: list[Any]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def deviation(values: list[Any]) -> float | None:
    # In exact fractions: differences of nearly equal numbers leave nothing to chance.
    return statistics.stdev(values) if len(values) > 1 else None


def quantile(values: list[Any], share: float) -> float | None:
    if not values:
        return None
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low, high = ordered[math.floor(place)], ordered[math.ceil(place)]
    return low + (high - low) * (place - math.floor(place))


def last(rows: list[Known], column: str) -> Any:
    """The value of the row with the latest time of its own; among several the one that was changed last."""
    found = [known for known in rows if known.row[column] is not None]
    return max(found, key=lambda known: (known.row["time_hour"], known.order)).row[column] if found else None


HOUR = timedelta(hours=1)
Compute = Callable[[World, Row], Any]


def wx(column: str) -> Compute:
    return lambda world, row: newest(world.weather.rows(origin=row["origin"]), column, row["at"] - 3 * HOUR)


def own(column: str) -> Compute:
    def compute(world: World, row: Row) -> Any:
        known = world.flights.live.get(key_of(row))
        return None if known is None else known.row[column]

    return compute


def aircraft(column: str) -> Compute:
    return lambda world, row: newest(world.flights.rows(tailnum=row["tailnum"]), column)


def origin_3h(of: Callable[[list[Known]], Any]) -> Compute:
    return lambda world, row: of(inside(world.flights.rows(origin=row["origin"]), row["at"], 3 * HOUR))


def route_2d(of: Callable[[list[Known]], Any]) -> Compute:
    def compute(world: World, row: Row) -> Any:
        return of(inside(world.flights.rows(origin=row["origin"], dest=row["dest"]), row["at"], 48 * HOUR))

    return compute


def wx_6h(of: Callable[[list[Known]], Any]) -> Compute:
    return lambda world, row: of(inside(world.weather.rows(origin=row["origin"]), row["at"], 6 * HOUR))


def carrier(column: str) -> Compute:
    def compute(world: World, row: Row) -> Any:
        served = [entry for entry in world.served.get(row["carrier"], []) if entry[0] <= row["at"]]
        if not served:
            return None
        values = served[-1][1]
        # It is as old as the newest refresh, also where that one found the same values.
        refreshed = max(time for time in world.refreshes if time <= row["at"])
        return None if values is None or refreshed < row["at"] - 20 * HOUR else values[column]

    return compute


def final(table: str, key: tuple[str, ...], column: str) -> Compute:
    def compute(world: World, row: Row) -> Any:
        known = world.final[table].live.get(tuple(row[name] for name in key))
        return None if known is None else known.row[column]

    return compute


def total(values: list[Any]) -> Any:
    if not values:
        return None
    return math.fsum(values) if isinstance(values[0], float) else sum(values)


def served_values(replay: Replay, times: list[datetime]) -> dict[str, list[tuple[datetime, Row | None]]]:
    """What the stored feature said of each carrier, and since when: computed anew at each refresh, noted where it differs."""
    history: dict[str, list[tuple[datetime, Row | None]]] = {}
    for time in times:
        replay.advance(time)
        rows = inside(replay.rows(), time, 24 * HOUR)
        for name in {known.row["carrier"] for known in rows} | set(history):
            values = feature_values([known for known in rows if known.row["carrier"] == name])
            entries = history.setdefault(name, [])
            if values != (entries[-1][1] if entries else None):
                entries.append((time, values))
    return history


def feature_values(rows: list[Known]) -> Row | None:
    if not rows:
        return None
    delays = present(rows, "dep_delay")
    return {"departed": len(delays), "mean": mean(delays), "worst": max(delays, default=None)}


FEATURES: dict[str, tuple[str, Compute]] = {
    "wx_temp": ("asof by group", wx("temp")),
    "wx_wind_speed": ("asof by group", wx("wind_speed")),
    "wx_visib": ("asof by group", wx("visib")),
    "own_dep_delay": ("asof by key", own("dep_delay")),
    "own_arr_delay": ("asof by key", own("arr_delay")),
    "own_cancelled": ("asof by key", own("cancelled")),
    "aircraft_flight": ("asof by group", aircraft("flight")),
    "aircraft_dest": ("asof by group", aircraft("dest")),
    "aircraft_dep_delay": ("asof by group", aircraft("dep_delay")),
    "origin_3h_n": ("window", origin_3h(len)),
    "origin_3h_departed": ("window", origin_3h(lambda rows: len(present(rows, "dep_delay")))),
    "origin_3h_mean": ("window", origin_3h(lambda rows: mean(present(rows, "dep_delay")))),
    "origin_3h_sd": ("window", origin_3h(lambda rows: deviation(present(rows, "dep_delay")))),
    "origin_3h_worst": ("window", origin_3h(lambda rows: max(present(rows, "dep_delay"), default=None))),
    "origin_3h_middle": ("window", origin_3h(lambda rows: quantile(present(rows, "dep_delay"), 0.5))),
    "origin_3h_last": ("window", origin_3h(lambda rows: last(rows, "dep_delay"))),
    "route_2d_n": ("window", route_2d(len)),
    "route_2d_arrived": ("window", route_2d(lambda rows: len(present(rows, "arr_delay")))),
    "route_2d_mean": ("window", route_2d(lambda rows: mean(present(rows, "arr_delay")))),
    "route_2d_air": ("window", route_2d(lambda rows: total(present(rows, "air_time")))),
    "route_2d_p90": ("window", route_2d(lambda rows: quantile(present(rows, "arr_delay"), 0.9))),
    "wx_6h_n": ("window", wx_6h(len)),
    "wx_6h_rain": ("window", wx_6h(lambda rows: total(present(rows, "precip")))),
    "wx_6h_low": ("window", wx_6h(lambda rows: min(present(rows, "visib"), default=None))),
    "wx_6h_temp": ("window", wx_6h(lambda rows: mean(present(rows, "temp")))),
    "wx_6h_spread": ("window", wx_6h(lambda rows: deviation(present(rows, "temp")))),
    "carrier_departed": ("stored feature", carrier("departed")),
    "carrier_mean": ("stored feature", carrier("mean")),
    "carrier_worst": ("stored feature", carrier("worst")),
    "plane_seats": ("current", final("planes", ("tailnum",), "seats")),
    "plane_year": ("current", final("planes", ("tailnum",), "year")),
    "finally_air_time": ("current", final("flights", FLIGHTS.key, "air_time")),
}


# --- The comparison ---


def key_of(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in FLIGHTS.key)


def spine(world: World, until: datetime) -> dict[tuple[Any, ...], tuple[datetime, bool]]:
    """Key, time and label of each example: the flights that arrived, as they are in the end."""
    examples = {}
    for key, known in world.final["flights"].live.items():
        row = known.row
        at = row["time_hour"] + timedelta(minutes=row["minute"] + row["flight"] % 9 * 60 - 240)
        if row["arr_delay"] is not None and at <= until:
            examples[key] = (at, row["arr_delay"] >= 15)
    return examples


def is_same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= RELATIVE * max(abs(one), abs(other))
    return type(one) is type(other) and one == other


def read_deliveries(path: Path) -> dict[tuple[str, str], datetime]:
    with path.open(newline="", encoding="utf-8") as lines:
        return {(line["table"], line["file"]): timestamp(line["ingested_at"]) for line in csv.DictReader(lines)}


def main() -> int:
    parser = argparse.ArgumentParser(description="Recompute random values of the dataset from the raw landing files.")
    parser.add_argument("landing", type=Path)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("deliveries", type=Path)
    parser.add_argument("--pairs", type=int, default=1000, help="how many pairs of a row and a feature")
    parser.add_argument("--column", action="append", help="only this feature; may be given several times")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()

    cut = json.loads((arguments.dataset / "manifest.json").read_text(encoding="utf-8"))["cut"]
    rows = [row for path in sorted(arguments.dataset.glob("*/*.parquet")) for row in read_rows(path)]
    world = World(arguments.landing, read_deliveries(arguments.deliveries), cut["known_at"]["clock"])
    found = {key_of(row): (row["at"], row["label"]) for row in rows}
    if len(rows) != len(found) or found != spine(world, datetime.fromisoformat(cut["until"])):
        print("the rows, their times or their labels are not those that the files give")
        return 1

    draw = random.Random(arguments.seed)
    names = arguments.column or list(FEATURES)
    pairs = [(draw.choice(rows), draw.choice(names)) for _ in range(arguments.pairs)]
    pairs.sort(key=lambda pair: pair[0]["at"])
    delay = timedelta(milliseconds=cut["known_at"]["delay_ms"])
    tally: Counter[str] = Counter()
    different = []
    for row, name in pairs:
        kind, compute = FEATURES[name]
        tally[kind] += 1
        world.advance(row["at"] - delay)
        expected = compute(world, row)
        if not is_same(row[name], expected):
            key = "/".join(map(str, key_of(row)))
            different.append(f"{name} of {key} at {row['at']}: {row[name]!r}, and the files give {expected!r}")
    print(f"{len(pairs)} values of {len(rows)} rows recomputed from {world.files} files: {len(different)} differ")
    for kind, count in sorted(tally.items()):
        print(f"{count:6}  {kind}")
    for text in different[:10]:
        print(text)
    return 1 if different else 0


def read_rows(path: Path) -> list[dict[str, Any]]:
    return pyarrow.parquet.read_table(path).to_pylist()


if __name__ == "__main__":
    sys.exit(main())
