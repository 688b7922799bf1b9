// Law 9: another program gives a table of ours rules that a batch would break. It is refused by their names before anything is written.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { localStore, openTable, readSnapshot } from '@tributary/delta'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ingest } from '../../src/worker/ingest.ts'
import { resolveTable } from '../../src/worker/resolve.ts'
import { lakeIn, openWorkplace, put, type Workplace } from '../support/workplace.ts'

let workplace: Workplace
beforeAll(async () => {
  workplace = await openWorkplace()
})
afterAll(() => workplace.close())

const config = (more: string): string =>
  `landing: landing\nlake: lake\ndms: {AddColumnName: true}\ntables:\n  s.t: {key: [id], columns: {id: long, note: string}${more}}\n`

async function tableOf(name: string, more = ''): Promise<{ readonly folder: string; readonly table: string }> {
  const folder = join(workplace.folder, name)
  const lake = await lakeIn(folder, config(more))
  await put(folder, 's/t/LOAD00000001.csv', 'Op,id,note\nI,1,a\nI,2,a\n')
  await ingest(lake, workplace.engine)
  return { folder, table: join(folder, 'lake/s/t') }
}

async function ingestChanges(folder: string, more = ''): ReturnType<typeof ingest> {
  await put(folder, 's/t/20260301-101500000.csv', 'Op,id,note\nU,1,b\nI,3,c\n')
  return ingest(await lakeIn(folder, config(more)), workplace.engine)
}

const versionOf = async (table: string): Promise<number> => (await readSnapshot(localStore(table))).version

const refusal = (feature: string) => ({
  code: 'UNSUPPORTED_WRITER_FEATURE',
  message: expect.stringContaining(feature),
})

describe.each([
  ['columnMapping', { 'delta.columnMapping.mode': 'name' }],
  ['rowTracking', { 'delta.enableRowTracking': 'true' }],
  ['inCommitTimestamp', { 'delta.enableInCommitTimestamps': 'true' }],
  ['changeDataFeed', { 'delta.enableChangeDataFeed': 'true' }],
  ['appendOnly', { 'delta.appendOnly': 'true' }],
  ['checkConstraints', { 'delta.constraints.few': 'id < 3' }],
])('a table that got %s', (feature, properties) => {
  test('stops by that name, before anything is written', async () => {
    const { folder, table } = await tableOf(feature)
    {
      await using opened = await openTable(table)
      await opened.setProperties(properties)
    }
    const before = await versionOf(table)
    const { tables } = await ingestChanges(folder)
    expect(tables).toMatchObject([{ commits: 0, stopped: refusal(feature) }])
    expect(await versionOf(table)).toBe(before)
  })
})

test('a feature that nobody here knows stops the table by its name', async () => {
  const { folder, table } = await tableOf('future')
  const log = join(table, '_delta_log')
  const first = await readFile(join(log, '00000000000000000000.json'), 'utf8')
  const actions = first.split('\n').flatMap((line): { protocol?: object }[] => (line === '' ? [] : [JSON.parse(line)]))
  const protocol = actions.find((action) => action.protocol !== undefined)?.protocol
  const future = { ...protocol, writerFeatures: ['domainMetadata', 'deletionVectors', 'futureFeature'] }
  await writeFile(join(log, '00000000000000000001.json'), `${JSON.stringify({ protocol: future })}\n`)
  const { tables } = await ingestChanges(folder)
  expect(tables).toMatchObject([{ commits: 0, stopped: refusal('futureFeature') }])
  expect(await versionOf(table)).toBe(1)
})

test.each([
  ['typeWidening', { 'delta.enableTypeWidening': 'true' }],
  ['v2Checkpoint', { 'delta.checkpointPolicy': 'v2' }],
])('%s is kept, and stops nothing', async (name, properties) => {
  const { folder, table } = await tableOf(name)
  {
    await using opened = await openTable(table)
    await opened.setProperties(properties)
  }
  expect((await ingestChanges(folder)).tables).toMatchObject([{ commits: 1, applied: 2, stopped: null }])
})

test('a history that got such a rule stops its table too', async () => {
  const { folder, table } = await tableOf('history', ', history: true')
  {
    await using opened = await openTable(`${table}__history`)
    await opened.setProperties({ 'delta.enableRowTracking': 'true' })
  }
  const { tables } = await ingestChanges(folder, ', history: true')
  expect(tables).toMatchObject([{ stopped: refusal('rowTracking') }])
})

test.each([
  ['appendOnly', { 'delta.appendOnly': 'true' }],
  ['inCommitTimestamp', { 'delta.enableInCommitTimestamps': 'true' }],
])('a decision is not carried out on a table that got %s', async (feature, properties) => {
  const { folder, table } = await tableOf(`resolve-${feature}`)
  {
    await using opened = await openTable(table)
    await opened.setProperties(properties)
  }
  const before = await versionOf(table)
  const lake = await lakeIn(folder, config(''))
  const truncated = resolveTable(lake, workplace.engine, 's.t', { kind: 'truncate', reason: 'emptied at the source' })
  await expect(truncated).rejects.toMatchObject(refusal(feature))
  expect(await versionOf(table)).toBe(before)
})
