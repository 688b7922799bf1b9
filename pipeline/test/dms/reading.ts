import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Engine, localStore, openEngine, type Row } from '@tributary/delta'
import { afterAll, beforeAll } from 'vitest'
import type { S3Settings } from '../../src/config/s3-settings.ts'
import type { ColumnType } from '../../src/config/table-settings.ts'
import { openLandingFile } from '../../src/dms/open-file.ts'
import { planRead, type ReadContext, type ReadPlan } from '../../src/dms/plan-read.ts'
import { type RowsRead, readRows } from '../../src/dms/read-rows.ts'

/** A landing folder and an engine for the tests of one file. */
export function useLanding(): {
  readonly engine: () => Engine
  readonly folder: () => string
  readonly put: (key: string, bytes: string | Uint8Array) => Promise<void>
} {
  let opened: Engine | undefined
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'landing-'))
    opened = await openEngine()
  })
  afterAll(async () => {
    await opened?.close()
    await rm(folder, { recursive: true, force: true })
  })
  return {
    engine: () => {
      if (opened === undefined) throw new Error('the engine opens before the tests')
      return opened
    },
    folder: () => folder,
    put: async (key, bytes) => {
      await mkdir(dirname(join(folder, key)), { recursive: true })
      await writeFile(join(folder, key), bytes)
    },
  }
}

export interface Reading extends RowsRead {
  readonly rows: readonly Row[]
  readonly plan: ReadPlan
}

export interface TableFacts {
  readonly key: readonly string[]
  readonly columns?: Readonly<Record<string, ColumnType>>
  readonly known?: Readonly<Record<string, ColumnType>>
  readonly settings?: S3Settings
  readonly kind?: ReadContext['kind']
  readonly sequence?: string
  readonly rename?: Readonly<Record<string, string>>
  readonly keepOnNull?: readonly string[]
  readonly name?: readonly [string, string]
}

/** A reading context in a few words; the kind follows from the key. */
export function contextOf(key: string, facts: TableFacts): ReadContext {
  const [schema, table] = facts.name ?? ['sales', 'customers']
  const list = (columns: Readonly<Record<string, ColumnType>>): { name: string; type: ColumnType }[] =>
    Object.entries(columns).map(([name, type]) => ({ name, type }))
  return {
    table: {
      name: `${schema}.${table}`,
      schema,
      table,
      key: facts.key,
      columns: facts.columns === undefined ? undefined : list(facts.columns),
      sequence: facts.sequence,
      rename: new Map(Object.entries(facts.rename ?? {})),
      keepOnNull: facts.keepOnNull ?? [],
      partitionBy: [],
    },
    settings: facts.settings ?? {},
    kind: facts.kind ?? (key.includes('LOAD') ? 'load' : key.includes('CDC_TXN') ? 'transactions' : 'cdc'),
    known: facts.known === undefined ? undefined : list(facts.known),
  }
}

/** Opens, plans and reads one landing file. */
export async function readAll(engine: Engine, folder: string, key: string, facts: TableFacts): Promise<Reading> {
  const context = contextOf(key, facts)
  const file = await openLandingFile(localStore(folder), key, {
    tempFolder: engine.tempFolder,
    settings: context.settings,
    isTransactions: context.kind === 'transactions',
  })
  try {
    const plan = await planRead(engine, file, context)
    let rows: readonly Row[] = []
    const read = await readRows(engine, file, plan, async (relation) => {
      rows = await engine.all(relation)
      return rows.length
    })
    return { ...read, rows, plan }
  } finally {
    await file.dispose()
  }
}

/** The code of the error that a promise ends with. */
export async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'no error',
    (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
  )
}
