COPY (
  SELECT f.time_hour, f.carrier, f.flight, f.tailnum, f.origin, f.dest, f.dep_delay, f.arr_delay, f.dep_delay - f.arr_delay AS made_up,
    f.distance * 60 / f.air_time AS speed, f.year - p.year AS age, p.seats, p.engines, a.lat, a.lon, a.alt,
    w.temp, w.wind_speed, w.precip, w.visib, w.pressure, f.cancelled
  FROM delta_scan('{lake}/nyc/flights') f
  LEFT JOIN delta_scan('{lake}/nyc/planes') p ON p.tailnum = f.tailnum
  LEFT JOIN delta_scan('{lake}/nyc/airports') a ON a.faa = f.dest
  LEFT JOIN delta_scan('{lake}/nyc/weather') w ON w.origin = f.origin AND w.time_hour = f.time_hour
) TO '{out}' (FORMAT parquet);
