"""The ways to build a training set that the demo compares, from the one that leaks most to the one that knows least."""

from __future__ import annotations

from dataclasses import dataclass

STATIC = ("carrier", "origin", "dest", "distance", "month", "weekday", "hour", "planes_seats")
WEATHER = tuple(f"weather_{name}" for name in ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "visib"))
WINDOWS = (
    "airport_flights",
    "airport_delay",
    "destination_flights",
    "destination_dep_delay",
    "destination_arr_delay",
    "route_flights",
    "route_delay",
    "aircraft_legs",
    "aircraft_delay",
    "aircraft_last",
)


@dataclass(frozen=True)
class Way:
    """A name, what it means, the columns that the model gets, and which of them are those of the naive dataset."""

    name: str
    title: str
    columns: tuple[str, ...]
    naive: tuple[str, ...] = ()


KNOWN = Way("known", "as it was known two hours before departure", (*STATIC, *WEATHER, *WINDOWS))
WAYS = (
    Way("latest", "latest live row, its own delay filled in already", (*STATIC, *WEATHER, "dep_delay"), ("dep_delay",)),
    Way("same-hour", "mean delay of its airport and hour, with itself", (*STATIC, *WEATHER, "hour_delay"), ("hour_delay",)),
    Way("event-time", "joined by the time of the flight, final values", (*STATIC, *WEATHER, *WINDOWS), WINDOWS),
    KNOWN,
    Way("static", "nothing but schedule, aircraft and weather", (*STATIC, *WEATHER)),
)
