// Columns and keys that a hostile reviewer gave other names, other letters or a later beginning: each was read loosely, or mixed rows up.
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ingest } from '../../src/worker/ingest.ts'
import type { Lake } from '../../src/worker/lake.ts'
import { resolveTable } from '../../src/worker/resolve.ts'
import { canonicalRows, lakeIn, openWorkplace, put, snapshotOf, type Workplace } from '../support/workplace.ts'

let workplace: Workplace
let count = 0
beforeAll(async () => {
  workplace = await openWorkplace()
})
afterAll(() => workplace.close())

interface Table {
  readonly lake: Lake
  /** Lets a file arrive and takes it in. */
  readonly arrive: (name: string, lines: readonly string[]) => Promise<unknown>
  readonly rows: (...columns: readonly string[]) => Promise<readonly string[]>
}

async function table(settings: string): Promise<Table> {
  const folder = join(workplace.folder, `columns-${count++}`)
  const text = `landing: landing\nlake: lake\ndms: {AddColumnName: true, IncludeOpForFullLoad: true}\ntables:\n  s.t: {${settings}}\n`
  const lake = await lakeIn(folder, text)
  return {
    lake,
    arrive: async (name, lines) => {
      await put(folder, `s/t/${name}.csv`, lines.map((line) => `${line}\n`).join(''))
      const [summary] = (await ingest(lake, workplace.engine)).tables
      return summary?.stopped?.code ?? [summary?.applied, summary?.quarantined]
    },
    rows: async (...columns) =>
      canonicalRows(
        workplace.engine,
        await snapshotOf(lake, 's.t'),
        columns.map((name) => ({ name, type: 'string' })),
      ),
  }
}

const FIRST = '20260301-100400000'
const SECOND = '20260301-100500000'
const THIRD = '20260301-100600000'

test('values are held to their type also when the first file had a header only', async () => {
  const { arrive, rows } = await table('key: [id], columns: {id: long, n: long}')
  expect(await arrive(FIRST, ['Op,id,n'])).toEqual([0, 0])
  expect(await arrive(SECOND, ['Op,id,n', 'I,1,1.7', 'I,2,0x10', 'I,3,5'])).toEqual([1, 2])
  expect(await rows('id', 'n')).toEqual(['["3","5"]'])
})

test('a configured column that comes with a later file has its configured type', async () => {
  const { lake, arrive, rows } = await table('key: [id], columns: {id: long, n: long}')
  expect(await arrive(FIRST, ['Op,id', 'I,1'])).toEqual([1, 0])
  expect(await arrive(SECOND, ['Op,id,n', 'U,1,7', 'I,2,0x10'])).toEqual([1, 1])
  expect(await arrive(THIRD, ['Op,id,n', 'U,1,8'])).toEqual([1, 0])
  expect((await snapshotOf(lake, 's.t'))?.schema.fields.map(({ type }) => type)).toEqual(['long', 'long'])
  expect(await rows('id', 'n')).toEqual(['["1","8"]'])
})

test('a column that is accepted in other letters is the same column: a reload keeps its values, and their type', async () => {
  const { lake, arrive, rows } = await table('key: [id]')
  await arrive('LOAD00000001', ['Op,id,Name,N', 'I,1,a,1'])
  expect(await arrive('LOAD00000001', ['Op,id,name,n', 'I,1,bb,2', 'I,2,cc,0x10'])).toBe('SCHEMA_MISMATCH')
  await resolveTable(lake, workplace.engine, 's.t', { kind: 'accept-schema' })
  expect((await snapshotOf(lake, 's.t'))?.schema.fields.map(({ name }) => name)).toEqual(['id', 'Name', 'N'])
  expect(await rows('id', 'Name', 'N')).toEqual(['["1","bb","2"]'])
})

test.for(['outcome', 'place', 'file', 'rowid'])('a key column may be named %s', async (name) => {
  const { arrive, rows } = await table(
    `key: [${name}], sequence: at_seq, columns: {${name}: long, at_seq: long, v: string}`,
  )
  const header = `Op,${name},at_seq,v`
  expect(await arrive('LOAD00000001', [header, 'I,1,,a', 'I,2,,b', 'I,2,,bb', 'I,5,,e'])).toEqual([3, 0])
  expect(await arrive(FIRST, [header, 'U,1,5,aa', 'D,2,6,', 'I,3,7,c'])).toEqual([3, 0])
  expect(await arrive(SECOND, [header, 'U,1,4,old', 'U,2,5,old', 'U,5,9,ee'])).toEqual([1, 0])
  expect(await rows(name, 'v')).toEqual(['["1","aa"]', '["3","c"]', '["5","ee"]'])
})

test.for(['__path', '__delete', '__order', '__outcome'])(
  'the name %s, which batches use on their way, is refused',
  async (name) => {
    const { arrive } = await table(`key: ['${name}'], columns: {'${name}': long}`)
    expect(await arrive(FIRST, [`Op,${name}`, 'I,1'])).toBe('COLUMN_RESERVED')
  },
)
