COPY (
  SELECT f.time_hour, f.carrier, f.flight, count(r.dep_delay) AS departed, avg(r.dep_delay) AS dep_delay, max(r.dep_delay) AS worst,
    count(r.arr_delay) AS arrived, avg(r.arr_delay) AS arr_delay, count_if(r.arr_delay >= 15) AS late, count_if(r.cancelled) AS cancelled
  FROM delta_scan('{lake}/nyc/flights') f
  LEFT JOIN delta_scan('{lake}/nyc/flights') r ON r.origin = f.origin AND r.dest = f.dest
    AND r.time_hour >= f.time_hour - INTERVAL 14 DAY AND r.time_hour < f.time_hour - INTERVAL 2 HOUR
  GROUP BY f.time_hour, f.carrier, f.flight
) TO '{out}' (FORMAT parquet);
