// A TimestampColumnName that no file has is a mistake in the settings, and is said once, not with every file.
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ingest } from '../../src/worker/ingest.ts'
import { lakeIn, openWorkplace, put, type Workplace } from '../support/workplace.ts'

let workplace: Workplace
beforeAll(async () => {
  workplace = await openWorkplace()
})
afterAll(() => workplace.close())

const LOAD = 's/t/LOAD00000001.csv'
const FIRST = 's/t/20260301-100400000.csv'
const SECOND = 's/t/20260301-100500000.csv'
const THIRD = 's/t/20260301-100600000.csv'

/** The warnings of two runs over a load and two change files, the third coming between the runs. */
async function warningsOf(
  name: string,
  { dms, files }: { readonly dms: string; readonly files: Readonly<Record<string, string>> },
) {
  const folder = join(workplace.folder, name)
  const lake = await lakeIn(
    folder,
    `landing: landing\nlake: lake\ndms: {${dms}}\ntables:\n  s.t: {key: [id], columns: {id: long, v: string}}\n`,
  )
  const warnings: string[] = []
  const run = async (keys: readonly string[]): Promise<void> => {
    for (const key of keys) await put(folder, key, files[key] ?? '')
    const { tables } = await ingest(lake, workplace.engine, {
      onEvent: (event) => event.kind === 'warning' && warnings.push(event.message),
    })
    expect(tables.map(({ stopped }) => stopped)).toEqual([null])
  }
  await run([LOAD, FIRST, SECOND])
  await run([THIRD])
  return warnings
}

const said = (key: string): string =>
  `${key} has no tss column although TimestampColumnName is set, so when the source committed its rows is not known. Correct the name in dms:, or leave it out`

test('a timestamp column that no file has is warned of once, by the first change file', async () => {
  const warnings = await warningsOf('wrong', {
    dms: 'AddColumnName: true, TimestampColumnName: tss',
    files: {
      [LOAD]: 'ts,id,v\n2026-03-01 10:00:00,1,a\n',
      [FIRST]: 'Op,ts,id,v\nU,2026-03-01 10:03:00,1,b\n',
      [SECOND]: 'Op,ts,id,v\nU,2026-03-01 10:04:00,1,c\n',
      [THIRD]: 'Op,ts,id,v\nU,2026-03-01 10:05:00,1,d\n',
    },
  })
  expect(warnings).toEqual([said(FIRST)])
})

test('a load below a header may lack the column', async () => {
  const warnings = await warningsOf('load', {
    dms: 'AddColumnName: true, TimestampColumnName: ts',
    files: {
      [LOAD]: 'id,v\n1,a\n',
      [FIRST]: 'Op,ts,id,v\nU,2026-03-01 10:03:00,1,b\n',
      [SECOND]: 'Op,ts,id,v\nU,2026-03-01 10:04:00,1,c\n',
      [THIRD]: 'Op,ts,id,v\nU,2026-03-01 10:05:00,1,d\n',
    },
  })
  expect(warnings).toEqual([])
})

test('files without a header are warned of once too', async () => {
  const warnings = await warningsOf('headerless', {
    dms: 'TimestampColumnName: tss',
    files: { [LOAD]: '1,a\n', [FIRST]: 'U,1,b\n', [SECOND]: 'U,1,c\n', [THIRD]: 'U,1,d\n' },
  })
  expect(warnings).toEqual([said(LOAD)])
})
