// DuckDB alone runs a script of SQL over Delta tables: `sql-file.ts SCRIPT REPEATS NAME=VALUE …`, where `{NAME}` in the script stands for the
// value. Of several runs the first only warms up, and the median counts.

import { readFile } from 'node:fs/promises'
import { literal, openDuck } from '../engine.ts'
import { findExtension } from '../places.ts'

const [script = '', repeats = '1', ...pairs] = process.argv.slice(2)
const values = new Map(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]))
const text = (await readFile(script, 'utf8')).replaceAll(/\{(\w+)\}/g, (word, name) => values.get(name) ?? word)
const duck = await openDuck()
await duck.run(`LOAD ${literal(await findExtension('delta'))}`)
const took: number[] = []
for (let turn = 0; turn < Number(repeats); turn++) {
  const startedMs = performance.now()
  await duck.run(text)
  took.push(performance.now() - startedMs)
}
const sorted = took.slice(took.length > 1 ? 1 : 0).toSorted((one, other) => one - other)
console.log(JSON.stringify({ ms: sorted[sorted.length >> 1] ?? 0 }))
duck.close()
