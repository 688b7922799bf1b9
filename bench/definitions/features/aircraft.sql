COPY (
  SELECT f.tailnum, any_value(p.seats) AS seats, count(*) AS legs, count(f.dep_delay) AS departed, count_if(f.cancelled) AS cancelled,
    avg(f.dep_delay) AS dep_delay, max(f.dep_delay) AS worst, avg(f.arr_delay) AS arr_delay, median(f.arr_delay) AS middle,
    quantile_disc(f.arr_delay, 0.9) AS p90, count_if(f.arr_delay >= 15) AS late, sum(f.air_time) AS air_time, sum(f.distance) AS distance,
    count(DISTINCT f.dest) AS destinations, max_by(f.dest, (f.time_hour, f.dest)) AS last, avg(w.wind_speed) AS wind_speed, avg(w.visib) AS visib,
    count(f.dep_delay) FILTER (WHERE f.time_hour > TIMESTAMPTZ '{as_of}' - INTERVAL 7 DAY) AS departed_7d,
    avg(f.dep_delay) FILTER (WHERE f.time_hour > TIMESTAMPTZ '{as_of}' - INTERVAL 7 DAY) AS dep_delay_7d
  FROM delta_scan('{lake}/nyc/flights') f
  LEFT JOIN delta_scan('{lake}/nyc/planes') p ON p.tailnum = f.tailnum
  LEFT JOIN delta_scan('{lake}/nyc/weather') w ON w.origin = f.origin AND w.time_hour = f.time_hour
  WHERE f.tailnum IS NOT NULL
  GROUP BY f.tailnum
) TO '{out}' (FORMAT parquet);
