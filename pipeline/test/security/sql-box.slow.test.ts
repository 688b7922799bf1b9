// A person's SQL sees the tables of the lake and nothing else, on a disk and in a bucket. Worth its seconds: what is tried here is what
// somebody would try.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { batchRows, type Engine, openEngine, type Row, type Store, storeAt, TributaryError } from '@tributary/delta'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeBucket } from '../../../delta/test/servers/bucket.ts'
import { restoreEnvironment } from '../../../delta/test/servers/environment.ts'
import { readConfig } from '../../src/config/config.ts'
import { prepareQuery, sealEngine } from '../../src/query/sql.ts'
import { findNamedTable } from '../../src/query/tables.ts'
import { ingest } from '../../src/worker/ingest.ts'
import { type Lake, openLake } from '../../src/worker/lake.ts'
import { BEHIND_THE_WALL, ESCAPES } from './escapes.ts'

const bucket = await makeBucket()
const before = { ...process.env }
let folder: string
let secretFile: string
beforeAll(async () => {
  Object.assign(process.env, bucket.environment)
  folder = await mkdtemp(join(tmpdir(), 'tributary-box-'))
  secretFile = join(folder, 'secret.csv')
  await writeFile(secretFile, SECRET)
})
afterAll(async () => {
  await rm(folder, { recursive: true })
  restoreEnvironment(before)
})

const SECRET = 'canary_in_a_header,b\n1,canary_in_a_row\n'

describe.each(['a disk', 'a bucket'])('a lake on %s', (kind) => {
  let lake: Lake
  let engine: Engine
  beforeAll(async () => {
    const root = kind === 'a disk' ? join(folder, 'project') : `s3://${bucket.name}/project`
    const path = join(folder, `${kind.replace(' ', '-')}.yaml`)
    await writeFile(
      path,
      `landing: ${root}/landing\nlake: ${root}/lake\ndms: {AddColumnName: true}\ntables:\n  shop.orders: {key: [id], columns: {id: long, v: string}}\n`,
    )
    lake = openLake(await readConfig(path))
    const landing: Store = storeAt(`${root}/landing`)
    await landing.write('shop/orders/LOAD00000001.csv', Buffer.from('id,v\n1,one\n2,two\n'))
    engine = await openEngine({ threads: 1 })
    const { tables } = await ingest(lake, engine)
    expect(tables).toMatchObject([{ commits: 1, stopped: null }])
  })
  afterAll(() => engine.close())

  /** As the command does it, on an engine of its own. */
  async function run(query: string, on: Engine): Promise<readonly Row[]> {
    const find = (name: string) => findNamedTable(lake, name)
    const prepared = await prepareQuery(on, find, query, { nowMs: 0 })
    await sealEngine(on, prepared.folders)
    const rows: Row[] = []
    for await (const batch of on.stream(prepared.sql)) rows.push(...batchRows(batch))
    return rows.map((row) => ({ ...row }))
  }

  test('every query that reaches further is refused with a code, and tells nothing of what it would have found', async () => {
    const wrong: unknown[] = []
    for (const [query, code] of ESCAPES) {
      const fork = await engine.fork()
      const find = (name: string) => findNamedTable(lake, name)
      const outcome = await prepareQuery(fork, find, query.replaceAll('%', secretFile), { nowMs: 0 }).then(
        ({ sql }) => ({ code: `prepared as ${sql}`, message: '' }),
        (error: unknown) => (error instanceof TributaryError ? error : { code: 'foreign', message: String(error) }),
      )
      await fork.close()
      if (outcome.code !== code || outcome.message.includes('canary'))
        wrong.push([query, outcome.code, outcome.message])
    }
    expect(wrong).toEqual([])
    expect(await readFile(secretFile, 'utf8')).toBe(SECRET)
  })

  test('a query over the lake runs on a sealed engine, and behind the seal nothing else can be opened, loaded or set', async () => {
    const own = await openEngine({ threads: 1 })
    try {
      expect(
        await run(
          'SELECT o.id, w.v FROM shop.orders o JOIN shop.orders AS w AT (VERSION => 0) USING (id) ORDER BY 1',
          own,
        ),
      ).toEqual([
        { id: 1n, v: 'one' },
        { id: 2n, v: 'two' },
      ])
      const open: string[] = []
      for (const query of BEHIND_THE_WALL) {
        const outcome = await own.all(query.replaceAll('%', secretFile)).then(
          (rows) => JSON.stringify(rows, (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value)),
          (error: unknown) => (/canary/.test(String(error)) ? String(error) : undefined),
        )
        // A plan that could not be made says so in a row.
        const isRefused = outcome === undefined || (outcome.includes('permission') && !outcome.includes('canary'))
        if (!isRefused) open.push(`${query}: ${outcome}`)
      }
      expect(open).toEqual([])
      expect(await readFile(secretFile, 'utf8')).toBe(SECRET)
    } finally {
      await own.close()
    }
  })
})
