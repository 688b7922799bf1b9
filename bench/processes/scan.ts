// A query over a whole table in a process that runs already: once to warm up, then again and again; the median counts.
// `scan.ts READER PLACE REPEATS SQL`, where SQL speaks of `t`. The raw readers take a list of files in SQL.

import { type Engine, localStore, openEngine, readSnapshot, refreshSnapshot, scanSql } from '@tributary/delta'
import { openDuck } from '../engine.ts'
import { findExtension } from '../places.ts'

const [reader = '', place = '', repeats = '1', sql = ''] = process.argv.slice(2)

const { ask, close } = await openReader(reader)
await ask()
const took: number[] = []
for (let turn = 0; turn < Number(repeats); turn++) {
  const startedMs = performance.now()
  await ask()
  took.push(performance.now() - startedMs)
}
const sorted = took.toSorted((one, other) => one - other)
console.log(JSON.stringify({ ms: sorted[sorted.length >> 1] ?? 0, rows: Number((await ask()).rows) }))
await close()

interface Reader {
  readonly ask: () => Promise<Readonly<Record<string, unknown>>>
  readonly close: () => Promise<void>
}

async function openReader(name: string): Promise<Reader> {
  switch (name) {
    case 'tributary':
      return openTributary(await openEngine())
    // Our engine with its settings: what it takes more for a table is the scan's alone.
    case 'parquet': {
      const engine = await openEngine()
      return {
        ask: async () => (await engine.all(over(`read_parquet(${place})`)))[0] ?? {},
        close: () => engine.close(),
      }
    }
    case 'duckdb-parquet':
      return openPlain(`read_parquet(${place})`)
    case 'duckdb-delta':
      return openPlain(`delta_scan('${place}')`)
    default:
      throw new Error(`no reader ${name}`)
  }
}

/** The snapshot is known, as in a worker, a console, or a program that asks twice; that it is still the newest is looked up each time. */
async function openTributary(engine: Engine): Promise<Reader> {
  let snapshot = await readSnapshot(localStore(place))
  return {
    ask: async () => {
      snapshot = await refreshSnapshot(snapshot)
      const fork = await engine.fork()
      try {
        return (await fork.all(over(`(${await scanSql(fork, snapshot)})`)))[0] ?? {}
      } finally {
        await fork.close()
      }
    },
    close: () => engine.close(),
  }
}

async function openPlain(relation: string): Promise<Reader> {
  const duck = await openDuck()
  await duck.run(`LOAD '${await findExtension('delta')}'`)
  return { ask: () => duck.row(over(relation)), close: async () => duck.close() }
}

function over(relation: string): string {
  return `WITH t AS (FROM ${relation}) ${sql}`
}
