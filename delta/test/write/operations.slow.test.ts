// Worth its seconds: sequences that nobody thought of, on tables with every feature, each version compared with a plain map and the last
// ones with other readers.
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Engine, openEngine } from '../../src/duckdb/engine.ts'
import { TributaryError } from '../../src/errors.ts'
import type { Table } from '../../src/table.ts'
import type { TableDefinition } from '../../src/write/create-table.ts'
import type { NewRow } from '../../src/write/stage-rows.ts'
import { schemaOf } from '../read/table.ts'
import { canonicalLine, ourRows, peerFeed, peerTables } from '../readers/peers.ts'
import { sparkRows } from '../readers/spark.ts'
import { IS_SOAK, times } from '../soak.ts'
import { rowsOf, type TablePlace, tablePlace } from './support.ts'

let place: TablePlace
let engine: Engine
beforeAll(async () => {
  place = await tablePlace()
  engine = await openEngine({ threads: 1 })
})
afterAll(async () => {
  await engine.close()
  await place.close()
})

const RUNS = times(3, 100)
// Spark takes some seconds for each table.
const TIMEOUT_MS = IS_SOAK ? 7_200_000 : 300_000

interface Kind {
  readonly name: string
  readonly definition: Partial<TableDefinition>
  /** Readers that see the rows as they are; the others lack a feature, or have a fault with it. */
  readonly hasPeers: boolean
}

const KINDS: readonly Kind[] = [
  { name: 'plain', definition: {}, hasPeers: true },
  { name: 'deletion vectors', definition: { deletionVectors: true }, hasPeers: true },
  { name: 'partitions', definition: { partitionColumns: ['part'], deletionVectors: true }, hasPeers: true },
  {
    name: 'mapped names and row ids',
    definition: {
      deletionVectors: true,
      configuration: { 'delta.columnMapping.mode': 'name', 'delta.enableRowTracking': 'true' },
    },
    hasPeers: true,
  },
  {
    name: 'change feed and in-commit timestamps',
    definition: { configuration: { 'delta.enableChangeDataFeed': 'true', 'delta.enableInCommitTimestamps': 'true' } },
    hasPeers: true,
  },
  { name: 'clustered', definition: { clusterBy: ['id'], deletionVectors: true }, hasPeers: true },
]

type Step =
  | { readonly kind: 'append'; readonly count: number }
  | { readonly kind: 'upsert'; readonly ids: readonly number[] }
  | { readonly kind: 'delete'; readonly from: number; readonly to: number }
  | { readonly kind: 'evolve' }
  | { readonly kind: 'checkpoint' }
  | { readonly kind: 'optimize'; readonly columns: readonly string[] }
  | { readonly kind: 'vacuum' }
  | { readonly kind: 'restore'; readonly back: number }

const id = fc.integer({ min: 0, max: 40 })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('append' as const), count: fc.integer({ min: 1, max: 8 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('upsert' as const),
      ids: fc.uniqueArray(id, { minLength: 1, maxLength: 6 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), from: id, to: id }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'evolve' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'checkpoint' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('optimize' as const),
      columns: fc.subarray(['id', 'v'], { maxLength: 2 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'vacuum' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restore' as const), back: fc.integer({ min: 1, max: 4 }) }) },
)

test.for(KINDS)(
  'any sequence of operations leaves the rows of a plain map: $name',
  { timeout: TIMEOUT_MS },
  async ({ definition, hasPeers, name }) => {
    const ours: { readonly url: string; readonly rows: readonly string[] }[] = []
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 12 }), async (steps) => {
        const table = await place.fresh(
          schemaOf([
            ['id', 'long'],
            ['part', 'string'],
            ['v', 'string'],
          ]),
          definition,
        )
        const oracle = new Oracle()
        oracle.remember(0)
        for (const [turn, next] of steps.entries()) {
          // The feed is read over all versions, so their files have to stay.
          if (next.kind === 'vacuum' && name.startsWith('change feed')) continue
          await perform(table, oracle, { step: next, turn })
          expect(await rowsOf(table)).toEqual(oracle.rows())
          oracle.remember((await table.snapshot()).version)
        }
        const snapshot = await table.snapshot()
        const url = new URL(snapshot.store.url).pathname
        const rows = await ourRows(engine, snapshot)
        if (IS_SOAK) expect(await sparkRows(url)).toEqual(rows)
        ours.push({ url, rows })
        if (name.startsWith('change feed') && snapshot.version > 0)
          expect(await feedOf(table)).toEqual(await peerFeed(url, 1))
      }),
      { numRuns: RUNS, endOnFailure: true },
    )
    if (!hasPeers) return
    const urls = ours.map(({ url }) => url)
    for (const [at, rows] of (await peerTables(urls, join(place.folder, 'rows'))).entries())
      expect(rows, urls[at]).toEqual(ours[at]?.rows)
  },
)

/** What the rows have to be. */
class Oracle {
  #rows: Map<number, Readonly<Record<string, string | null>>> = new Map()
  readonly #versions = new Map<
    number,
    Pick<Oracle, 'columns'> & { readonly rows: ReadonlyMap<number, Readonly<Record<string, string | null>>> }
  >()
  columns: readonly string[] = ['part', 'v']
  #next = 100

  ids(count: number): readonly number[] {
    this.#next += count
    return Array.from({ length: count }, (_, index) => this.#next - count + index)
  }

  set(rows: readonly NewRow[]): void {
    for (const row of rows)
      this.#rows.set(Number(row['id']), Object.fromEntries(this.columns.map((name) => [name, text(row[name])])))
  }

  delete(from: number, to: number): void {
    for (const known of [...this.#rows.keys()]) if (known >= from && known <= to) this.#rows.delete(known)
  }

  remember(version: number): void {
    this.#versions.set(version, { columns: this.columns, rows: new Map(this.#rows) })
  }

  /** Whether the version is one that was remembered. */
  restore(version: number): boolean {
    const then = this.#versions.get(version)
    if (then === undefined) return false
    this.columns = then.columns
    this.#rows = new Map(then.rows)
    return true
  }

  rows(): readonly object[] {
    return [...this.#rows]
      .sort(([left], [right]) => left - right)
      .map(([known, row]) => ({
        id: BigInt(known),
        ...Object.fromEntries(this.columns.map((name) => [name, row[name] ?? null])),
      }))
  }
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

async function perform(
  table: Table,
  oracle: Oracle,
  { step, turn }: { readonly step: Step; readonly turn: number },
): Promise<void> {
  const make = (id: number): NewRow => ({
    id,
    ...Object.fromEntries(oracle.columns.map((name) => [name, name === 'part' ? `p ${id % 3}` : `${name} ${turn}`])),
  })
  switch (step.kind) {
    case 'append': {
      const rows = oracle.ids(step.count).map(make)
      oracle.set(rows)
      await table.append(rows)
      return
    }
    case 'upsert': {
      const rows = step.ids.map(make)
      oracle.set(rows)
      await table.upsert({ key: ['id'], changes: rows })
      return
    }
    case 'delete': {
      const [from, to] = [Math.min(step.from, step.to), Math.max(step.from, step.to)]
      oracle.delete(from, to)
      await table.delete({
        kind: 'and',
        of: [
          { kind: '>=', column: 'id', value: from },
          { kind: '<=', column: 'id', value: to },
        ],
      })
      return
    }
    case 'evolve': {
      const name = `extra ${turn}`.replace(' ', '_')
      oracle.columns = [...oracle.columns, name]
      await table.addColumns(schemaOf([[name, 'string']]).fields)
      return
    }
    case 'checkpoint':
      await table.checkpoint()
      return
    case 'optimize':
      await table.optimize(step.columns.length === 0 ? {} : { columns: step.columns })
      return
    case 'vacuum':
      await table.vacuum({ retainMs: 0, allowShortRetention: true })
      return
    case 'restore':
      await restoreOrRefuse(table, oracle, step.back)
  }
}

/** Back by some versions, unless a vacuum took their files: then nothing happens. */
async function restoreOrRefuse(table: Table, oracle: Oracle, back: number): Promise<void> {
  const version = (await table.snapshot()).version - back
  if (version < 0) return
  try {
    const outcome = await table.restore({ version })
    if (outcome.kind !== 'committed' || !oracle.restore(version)) throw new Error(`version ${version} was not restored`)
  } catch (error) {
    if (!(error instanceof TributaryError) || error.code !== 'RESTORE_FILES_MISSING') throw error
  }
}

/** Our feed in the form of delta-rs's: without the time, sorted. */
async function feedOf(table: Table): Promise<readonly string[]> {
  const rows = await Array.fromAsync(table.changes({ fromVersion: 1 }))
  return rows
    .map(({ _commit_timestamp: _, ...row }) =>
      canonicalLine(JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? Number(value) : value))),
    )
    .sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)))
}
