-- What late_flights.yml asks for, as an engineer would write it for DuckDB: the states of each row with the time from which and until which it
-- was known, ASOF joins, and windows as running sums of what comes in and goes out. The words in braces are put in by the bench.

-- The rows of the training set.
CREATE TEMP TABLE spine AS
SELECT row_number() OVER () AS n, time_hour, carrier, flight, tailnum, origin, dest, distance, hour, minute,
  time_hour + to_minutes(minute) - INTERVAL 2 HOUR AS "at", CAST(coalesce(arr_delay >= 15, true) AS INTEGER) AS label
FROM delta_scan('{lake}/nyc/flights');

-- What was known of each flight, from when until when.
CREATE TEMP TABLE flights AS
SELECT * FROM (
  SELECT time_hour, carrier, flight, tailnum, origin, dest, dep_delay, arr_delay, air_time, __source_at AS known, __seq AS seq, __row AS line,
    lead(__source_at) OVER (PARTITION BY time_hour, carrier, flight ORDER BY __source_at, __seq NULLS FIRST) AS until
  FROM delta_scan('{lake}/nyc/flights__history')
) WHERE until IS DISTINCT FROM known;

CREATE TEMP TABLE weather AS
SELECT origin, time_hour, temp, wind_speed, precip, visib, __source_at AS known FROM delta_scan('{lake}/nyc/weather__history');

-- The newest weather, and the newest of each aircraft.
CREATE TEMP TABLE wx AS
SELECT n, CASE WHEN fresh THEN temp END AS wx_temp, CASE WHEN fresh THEN wind_speed END AS wx_wind_speed,
  CASE WHEN fresh THEN precip END AS wx_precip, CASE WHEN fresh THEN visib END AS wx_visib
FROM (
  SELECT s.n, w.temp, w.wind_speed, w.precip, w.visib, w.known >= s."at" - INTERVAL 3 HOUR AS fresh
  FROM spine s ASOF LEFT JOIN weather w ON s.origin = w.origin AND s."at" >= w.known
);

CREATE TEMP TABLE aircraft AS
WITH newest AS (
  SELECT tailnum, known, dest, dep_delay, arr_delay FROM flights WHERE tailnum IS NOT NULL
  QUALIFY row_number() OVER (PARTITION BY tailnum, known ORDER BY seq DESC NULLS LAST, line DESC) = 1
)
SELECT n, CASE WHEN fresh THEN dest END AS aircraft_dest, CASE WHEN fresh THEN dep_delay END AS aircraft_dep_delay,
  CASE WHEN fresh THEN arr_delay END AS aircraft_arr_delay
FROM (
  SELECT s.n, a.dest, a.dep_delay, a.arr_delay, a.known >= s."at" - INTERVAL 24 HOUR AS fresh
  FROM spine s ASOF LEFT JOIN newest a ON s.tailnum = a.tailnum AND s."at" >= a.known
);

-- Windows: a state comes in when it is known and its time has come, and goes out when it is replaced or too old.
CREATE TEMP TABLE origin_3h AS
WITH spans AS (
  SELECT origin, greatest(known, time_hour) AS start, least(until, time_hour + INTERVAL 3 HOUR) AS stop, dep_delay
  FROM flights WHERE dep_delay IS NOT NULL
),
steps AS (
  SELECT origin, start AS t, 0 AS place, NULL AS n, 1 AS c, dep_delay AS d FROM spans WHERE start < stop
  UNION ALL SELECT origin, stop, 0, NULL, -1, -dep_delay FROM spans WHERE start < stop
  UNION ALL SELECT origin, "at", 1, n, 0, 0 FROM spine
)
SELECT n, c AS origin_3h_n, CASE WHEN c > 0 THEN d / c END AS origin_3h_delay
FROM (
  SELECT n, sum(c) OVER w AS c, sum(d) OVER w AS d FROM steps
  WINDOW w AS (PARTITION BY origin ORDER BY t, place ROWS UNBOUNDED PRECEDING)
) WHERE n IS NOT NULL;

CREATE TEMP TABLE desk_12h AS
WITH spans AS (
  SELECT origin, carrier, greatest(known, time_hour) AS start, least(until, time_hour + INTERVAL 12 HOUR) AS stop, dep_delay FROM flights
),
steps AS (
  SELECT origin, carrier, start AS t, 0 AS place, NULL AS n, 1 AS a, (dep_delay IS NOT NULL)::INTEGER AS c, coalesce(dep_delay, 0) AS d,
    coalesce(dep_delay * dep_delay, 0) AS q
  FROM spans WHERE start < stop
  UNION ALL SELECT origin, carrier, stop, 0, NULL, -1, -(dep_delay IS NOT NULL)::INTEGER, -coalesce(dep_delay, 0), -coalesce(dep_delay * dep_delay, 0)
  FROM spans WHERE start < stop
  UNION ALL SELECT origin, carrier, "at", 1, n, 0, 0, 0, 0 FROM spine
)
SELECT n, a AS desk_12h_n, CASE WHEN c > 0 THEN d / c END AS desk_12h_delay,
  CASE WHEN c > 1 THEN sqrt(greatest(0, (q - d::DOUBLE * d / c) / (c - 1))) END AS desk_12h_sd
FROM (
  SELECT n, sum(a) OVER w AS a, sum(c) OVER w AS c, sum(d) OVER w AS d, sum(q) OVER w AS q FROM steps
  WINDOW w AS (PARTITION BY origin, carrier ORDER BY t, place ROWS UNBOUNDED PRECEDING)
) WHERE n IS NOT NULL;

CREATE TEMP TABLE aircraft_12h AS
WITH spans AS (
  SELECT tailnum, greatest(known, time_hour) AS start, least(until, time_hour + INTERVAL 12 HOUR) AS stop, dep_delay
  FROM flights WHERE dep_delay IS NOT NULL
),
steps AS (
  SELECT tailnum, start AS t, 0 AS place, NULL AS n, 1 AS c, dep_delay AS d FROM spans WHERE start < stop
  UNION ALL SELECT tailnum, stop, 0, NULL, -1, -dep_delay FROM spans WHERE start < stop
  UNION ALL SELECT tailnum, "at", 1, n, 0, 0 FROM spine
)
SELECT n, c AS aircraft_12h_n, CASE WHEN c > 0 THEN d / c END AS aircraft_12h_delay
FROM (
  SELECT n, sum(c) OVER w AS c, sum(d) OVER w AS d FROM steps WHERE tailnum IS NOT NULL
  WINDOW w AS (PARTITION BY tailnum ORDER BY t, place ROWS UNBOUNDED PRECEDING)
) WHERE n IS NOT NULL;

CREATE TEMP TABLE aircraft_7d AS
WITH spans AS (
  SELECT tailnum, greatest(known, time_hour) AS start, least(until, time_hour + INTERVAL 7 DAY) AS stop, arr_delay, air_time FROM flights
),
steps AS (
  SELECT tailnum, start AS t, 0 AS place, NULL AS n, 1 AS a, (arr_delay IS NOT NULL)::INTEGER AS c, coalesce(arr_delay, 0) AS d,
    (air_time IS NOT NULL)::INTEGER AS flown, coalesce(air_time, 0) AS air
  FROM spans WHERE start < stop
  UNION ALL SELECT tailnum, stop, 0, NULL, -1, -(arr_delay IS NOT NULL)::INTEGER, -coalesce(arr_delay, 0),
    -(air_time IS NOT NULL)::INTEGER, -coalesce(air_time, 0)
  FROM spans WHERE start < stop
  UNION ALL SELECT tailnum, "at", 1, n, 0, 0, 0, 0, 0 FROM spine
)
SELECT n, a AS aircraft_7d_n, CASE WHEN c > 0 THEN d / c END AS aircraft_7d_delay, CASE WHEN flown > 0 THEN air END AS aircraft_7d_air
FROM (
  SELECT n, sum(a) OVER w AS a, sum(c) OVER w AS c, sum(d) OVER w AS d, sum(flown) OVER w AS flown, sum(air) OVER w AS air FROM steps
  WHERE tailnum IS NOT NULL
  WINDOW w AS (PARTITION BY tailnum ORDER BY t, place ROWS UNBOUNDED PRECEDING)
) WHERE n IS NOT NULL;

CREATE TEMP TABLE dest_12h AS
WITH spans AS (
  SELECT dest, greatest(known, time_hour) AS start, least(until, time_hour + INTERVAL 12 HOUR) AS stop, arr_delay
  FROM flights WHERE arr_delay IS NOT NULL
),
steps AS (
  SELECT dest, start AS t, 0 AS place, NULL AS n, 1 AS c, arr_delay AS d FROM spans WHERE start < stop
  UNION ALL SELECT dest, stop, 0, NULL, -1, -arr_delay FROM spans WHERE start < stop
  UNION ALL SELECT dest, "at", 1, n, 0, 0 FROM spine
)
SELECT n, c AS dest_12h_n, CASE WHEN c > 0 THEN d / c END AS dest_12h_delay
FROM (
  SELECT n, sum(c) OVER w AS c, sum(d) OVER w AS d FROM steps
  WINDOW w AS (PARTITION BY dest ORDER BY t, place ROWS UNBOUNDED PRECEDING)
) WHERE n IS NOT NULL;

CREATE TEMP TABLE route_14d AS
WITH spans AS (
  SELECT origin, dest, greatest(known, time_hour) AS start, least(until, time_hour + INTERVAL 14 DAY) AS stop, arr_delay
  FROM flights WHERE arr_delay IS NOT NULL
),
steps AS (
  SELECT origin, dest, start AS t, 0 AS place, NULL AS n, 1 AS c, arr_delay AS d FROM spans WHERE start < stop
  UNION ALL SELECT origin, dest, stop, 0, NULL, -1, -arr_delay FROM spans WHERE start < stop
  UNION ALL SELECT origin, dest, "at", 1, n, 0, 0 FROM spine
)
SELECT n, c AS route_14d_n, CASE WHEN c > 0 THEN d / c END AS route_14d_delay
FROM (
  SELECT n, sum(c) OVER w AS c, sum(d) OVER w AS d FROM steps
  WINDOW w AS (PARTITION BY origin, dest ORDER BY t, place ROWS UNBOUNDED PRECEDING)
) WHERE n IS NOT NULL;

CREATE TEMP TABLE flight_28d AS
WITH spans AS (
  SELECT carrier, flight, greatest(known, time_hour) AS start, least(until, time_hour + INTERVAL 28 DAY) AS stop, arr_delay
  FROM flights WHERE arr_delay IS NOT NULL
),
steps AS (
  SELECT carrier, flight, start AS t, 0 AS place, NULL AS n, 1 AS c, arr_delay AS d FROM spans WHERE start < stop
  UNION ALL SELECT carrier, flight, stop, 0, NULL, -1, -arr_delay FROM spans WHERE start < stop
  UNION ALL SELECT carrier, flight, "at", 1, n, 0, 0 FROM spine
)
SELECT n, c AS flight_28d_n, CASE WHEN c > 0 THEN d / c END AS flight_28d_delay
FROM (
  SELECT n, sum(c) OVER w AS c, sum(d) OVER w AS d FROM steps
  WINDOW w AS (PARTITION BY carrier, flight ORDER BY t, place ROWS UNBOUNDED PRECEDING)
) WHERE n IS NOT NULL;

-- Weather comes in when it is known, an hour after its time, and is never corrected.
CREATE TEMP TABLE wx_6h AS
WITH spans AS (
  SELECT origin, greatest(known, time_hour) AS start, time_hour + INTERVAL 6 HOUR AS stop, precip, wind_speed FROM weather
),
steps AS (
  SELECT origin, start AS t, 0 AS place, NULL AS n, (precip IS NOT NULL)::INTEGER AS p, coalesce(precip, 0) AS rain,
    (wind_speed IS NOT NULL)::INTEGER AS c, coalesce(wind_speed, 0) AS wind
  FROM spans WHERE start < stop
  UNION ALL SELECT origin, stop, 0, NULL, -(precip IS NOT NULL)::INTEGER, -coalesce(precip, 0), -(wind_speed IS NOT NULL)::INTEGER, -coalesce(wind_speed, 0)
  FROM spans WHERE start < stop
  UNION ALL SELECT origin, "at", 1, n, 0, 0, 0, 0 FROM spine
)
SELECT n, CASE WHEN p > 0 THEN rain END AS wx_6h_rain, CASE WHEN c > 0 THEN wind / c END AS wx_6h_wind
FROM (
  SELECT n, sum(p) OVER w AS p, sum(rain) OVER w AS rain, sum(c) OVER w AS c, sum(wind) OVER w AS wind FROM steps
  WINDOW w AS (PARTITION BY origin ORDER BY t, place ROWS UNBOUNDED PRECEDING)
) WHERE n IS NOT NULL;

CREATE TEMP TABLE late_flights AS
SELECT s.*, wx.* EXCLUDE (n), aircraft.* EXCLUDE (n), origin_3h.* EXCLUDE (n), desk_12h.* EXCLUDE (n),
  coalesce(aircraft_12h_n, 0) AS aircraft_12h_n, aircraft_12h_delay, coalesce(aircraft_7d_n, 0) AS aircraft_7d_n, aircraft_7d_delay, aircraft_7d_air,
  dest_12h.* EXCLUDE (n), route_14d.* EXCLUDE (n), flight_28d.* EXCLUDE (n), wx_6h.* EXCLUDE (n)
FROM spine s JOIN wx USING (n) JOIN aircraft USING (n) JOIN origin_3h USING (n) JOIN desk_12h USING (n)
LEFT JOIN aircraft_12h USING (n) LEFT JOIN aircraft_7d USING (n) JOIN dest_12h USING (n) JOIN route_14d USING (n) JOIN flight_28d USING (n)
JOIN wx_6h USING (n);

COPY (SELECT * EXCLUDE (n) FROM late_flights WHERE "at" < '2013-10-01 04:00:00Z') TO '{out}/train.parquet' (FORMAT parquet, COMPRESSION zstd);
COPY (SELECT * EXCLUDE (n) FROM late_flights WHERE "at" >= '2013-10-01 04:00:00Z' AND "at" < '2013-11-01 04:00:00Z')
  TO '{out}/val.parquet' (FORMAT parquet, COMPRESSION zstd);
COPY (SELECT * EXCLUDE (n) FROM late_flights WHERE "at" >= '2013-11-01 04:00:00Z') TO '{out}/test.parquet' (FORMAT parquet, COMPRESSION zstd);
