// Erasure: the rows of a key leave the files, and the manifest tells that, but not whose they were.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { misfit } from '../../../cli/test/published-schema.ts'
import {
  buildDataset,
  exportDataset,
  findDataset,
  findHolders,
  type Manifest,
  parseDefinition,
  readStats,
  redactDataset,
  verdictText,
  verifyDataset,
} from '../../src/index.ts'
import { type Change, type TestLake, useEngine, useFolders, writeLake } from './lake.ts'

const engine = useEngine()
const fresh = useFolders()

const YAML = `dataset: visits
spine: {sql: 'SELECT id, who, t AS "at", paid FROM s.visits', key: [id], at: at, label: paid}
features:
  - asof: {table: s.visits, on: [who], select: [paid], as: before}
split: {by: hash, salt: x, train: 0.5, test: 0.5}
export: {shards: 2}
`

let lake: TestLake
let built: Manifest
beforeAll(async () => {
  lake = await writeLake(engine(), await fresh(), [
    {
      name: 's.visits',
      key: ['id'],
      columns: { id: 'long', who: 'string', t: 'timestamp', paid: 'long' },
      changes: Array.from({ length: 40 }, (_, index): Change => {
        const at = `2026-01-01T00:${String(index).padStart(2, '0')}:00Z`
        return {
          op: 'I',
          sourceAt: at,
          batch: index,
          row: 7,
          values: { id: BigInt(index), who: `someone-${index % 8}`, t: at, paid: BigInt(index % 2) },
        }
      }),
    },
  ])
  built = await build()
})

async function build(): Promise<Manifest> {
  const outcome = await buildDataset(lake.lake, engine(), parseDefinition(YAML, 'visits.yml'))
  if (outcome.kind === 'refused') throw new Error(JSON.stringify(outcome.findings))
  return outcome.manifest
}

const rowsIn = ({ splits }: Manifest): number => Object.values(splits).reduce((sum, { rows }) => sum + rows, 0)

test('the rows of a key leave files, statistics and exports, and verify says so', async () => {
  await exportDataset(lake.lake, engine(), built, { target: 'csv' })
  const erasure = { key: 'someone-3', column: 'who' }
  const [holder, ...others] = await findHolders(lake.lake, engine(), erasure)
  expect([holder?.manifest.id, holder?.rows, others]).toEqual([built.id, 5, []])

  const redacted = await redactDataset(lake.lake, engine(), built, erasure)
  expect(await misfit('dataset', JSON.stringify(redacted))).toBeUndefined()
  expect(await findHolders(lake.lake, engine(), erasure)).toEqual([])
  expect([redacted.id, rowsIn(redacted)]).toEqual([built.id, 35])
  expect(redacted.redactions).toMatchObject([
    { rows: 5, rows_digests: { train: built.splits['train']?.rows_digest, test: built.splits['test']?.rows_digest } },
  ])
  expect(verdictText(await verifyDataset(lake.lake, engine(), redacted))).toBe(
    'REDACTED (5 rows taken out; the files are what that left)',
  )

  const folder = join(lake.folder, 'lake/_datasets/visits', built.id)
  const left = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
  const named = Object.values(redacted.splits).flatMap(({ files }) => files.map(({ path }) => path))
  expect(left.filter(({ name }) => name.endsWith('.parquet')).length).toBe(named.length)
  for (const { parentPath, name } of left.filter((entry) => entry.name.endsWith('.json')))
    expect(await readFile(join(parentPath, name), 'utf8')).not.toContain('someone-3')
  expect(Object.keys((await readStats(lake.lake, redacted)).splits)).toEqual(['train', 'test'])
})

test('a second erasure keeps the digests of the first, and a build does not bring the rows back', async () => {
  const again = await redactDataset(lake.lake, engine(), await findDataset(lake.lake, 'visits'), { key: '0' })
  expect(again.redactions?.map(({ rows }) => rows)).toEqual([5, 1])
  expect(await build()).toEqual(again)
  expect(verdictText(await verifyDataset(lake.lake, engine(), again))).toBe(
    'REDACTED (6 rows taken out at 2 times; the files are what that left)',
  )
})

test('a run that was killed after its decision is finished by the next one, and no row of it stays behind', async () => {
  const root = {
    ...lake.lake.root,
    write: (path: string, bytes: Uint8Array) =>
      path.endsWith('/manifest.json') ? Promise.reject(new Error('killed')) : lake.lake.root.write(path, bytes),
  }
  const stale = await findDataset(lake.lake, 'visits')
  await expect(redactDataset({ ...lake.lake, root }, engine(), stale, { key: '9' })).rejects.toThrow('killed')
  expect((await findDataset(lake.lake, 'visits')).redactions).toHaveLength(2)
  expect(await findHolders(lake.lake, engine(), { key: '9' })).toEqual([])
  const newest = await findDataset(lake.lake, 'visits')
  expect(newest.redactions).toHaveLength(3)
  expect((await verifyDataset(lake.lake, engine(), newest)).kind).toBe('redacted')
  const parquet = (await readdir(join(lake.folder, 'lake/_datasets'), { recursive: true })).filter((path) =>
    path.endsWith('.parquet'),
  )
  expect(parquet).toHaveLength(Object.values(newest.splits).flatMap(({ files }) => files).length)
  expect(await redactDataset(lake.lake, engine(), newest, { key: '9' })).toEqual(newest)
})

test('who is second begins anew from what the first left', async () => {
  const stale = await findDataset(lake.lake, 'visits')
  const [one, other] = await Promise.all(['8', '16'].map((key) => redactDataset(lake.lake, engine(), stale, { key })))
  const newest = await findDataset(lake.lake, 'visits')
  expect([one, other]).toContainEqual(newest)
  expect(rowsIn(newest)).toBe(31)
  for (const key of ['8', '16']) expect(await findHolders(lake.lake, engine(), { key })).toEqual([])
  expect((await verifyDataset(lake.lake, engine(), newest)).kind).toBe('redacted')
})
