// DuckDB alone: reads CSV files and writes one Parquet file, with its defaults. With LOAD files it is the peer of our first load; with a
// batch of changes it is the floor of an upsert. It validates nothing and knows no keys. `copy.ts COLUMNS REPEATS SOURCE TARGET`.

import { openDuck } from '../engine.ts'

const [columns = '', repeats = '1', source = '', target = ''] = process.argv.slice(2)
const duck = await openDuck()
const took: number[] = []
for (let turn = 0; turn < Number(repeats); turn++) {
  const startedMs = performance.now()
  await duck.run(
    `COPY (SELECT * FROM read_csv('${source}', header = true, columns = ${columns})) TO '${target}' (FORMAT parquet)`,
  )
  took.push(performance.now() - startedMs)
}
// As in a worker: what came first is not what counts.
const sorted = took.slice(took.length > 2 ? 2 : 0).toSorted((one, other) => one - other)
console.log(JSON.stringify({ ms: sorted[sorted.length >> 1] ?? 0, firstMs: took[0] ?? 0 }))
duck.close()
