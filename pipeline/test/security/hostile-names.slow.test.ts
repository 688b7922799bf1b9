// Names and values that would end a quoted word, a statement or a path, through a load, changes and a query. Worth its seconds: one place
// that forgets to quote is found by nothing else.
import { join } from 'node:path'
import { batchRows, quoteName, type Row } from '@tributary/delta'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { times } from '../../../delta/test/soak.ts'
import { prepareQuery } from '../../src/query/sql.ts'
import { findNamedTable } from '../../src/query/tables.ts'
import { ingest } from '../../src/worker/ingest.ts'
import type { Lake } from '../../src/worker/lake.ts'
import { lakeIn, openWorkplace, put, type Workplace } from '../support/workplace.ts'

let workplace: Workplace
beforeAll(async () => {
  workplace = await openWorkplace()
})
afterAll(() => workplace.close())

// biome-ignore lint/suspicious/noTemplateCurlyInString: it is to look like one.
const PLACEHOLDER = '${x}'
const PIECES = [
  '"',
  "'",
  ';',
  '--',
  '/*',
  '*/',
  '\\',
  '`',
  '$$',
  PLACEHOLDER,
  '%s',
  '%2e%2e%2f',
  '..',
  '/',
  '*',
  '?',
  '[a]',
  '{b}',
  '(',
  ')',
  ',',
  '=',
  ' ',
  '\t',
  '\n',
  '\u2019',
  '\uFF07',
  '\u202E',
  '\u{1F600}',
  'e\u0301',
  '\uFEFF',
  'DROP TABLE x',
  'select',
  'NULL',
  '__proto__',
  'constructor',
  '#',
  '&',
  '<b>',
  '|',
  'a',
  'Z',
  '0',
]
const word = fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 5 }).map((parts) => parts.join(''))
// What the reader of DMS files takes for its own, or cuts away, is another matter than quoting.
const columnName = word.filter(
  (name) => name.trim() === name && !/^(__|BI_|\uFEFF)/i.test(name) && !/[\t\n]/.test(name),
)
const tableName = fc
  .array(
    fc.constantFrom(
      ';',
      '--',
      ' ',
      '*',
      '?',
      '[a]',
      '$x',
      '%2e%2e',
      '\u2019',
      '\u{1F600}',
      '..',
      '=',
      '#',
      '&',
      'a',
      'Z',
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map((parts) => `t${parts.join('')}t`)
const project = fc.record({
  table: tableName,
  columns: fc.uniqueArray(columnName, {
    minLength: 1,
    maxLength: 4,
    selector: (name) => name.normalize('NFC').toLowerCase(),
  }),
  values: fc.array(word, { minLength: 3, maxLength: 3 }),
})

interface Project {
  readonly table: string
  readonly columns: readonly string[]
  readonly values: readonly string[]
}

function csv(...rows: readonly (readonly string[])[]): string {
  return rows.map((row) => `${row.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(',')}\n`).join('')
}

async function rowsOf(lake: Lake, query: string): Promise<readonly Row[]> {
  const fork = await workplace.engine.fork()
  try {
    const { sql } = await prepareQuery(fork, (name) => findNamedTable(lake, name), query, { nowMs: 0 })
    const rows: Row[] = []
    for await (const batch of fork.stream(sql)) rows.push(...batchRows(batch))
    return rows
  } finally {
    await fork.close()
  }
}

let count = 0
async function roundTrip({ table, columns, values: [one = '', two = '', three = ''] }: Project): Promise<void> {
  const folder = join(workplace.folder, `names-${count++}`)
  const [key = '', ...others] = columns
  const types = Object.fromEntries(columns.map((name) => [name, 'string']))
  const settings = JSON.stringify({ key: [key], columns: types })
  const lake = await lakeIn(
    folder,
    `landing: landing\nlake: lake\ndms: {AddColumnName: true, Rfc4180: true}\ntables:\n  ${JSON.stringify(`s."${table}"`)}: ${settings}\n`,
  )
  const row = (id: string, value: string): readonly string[] => [id, ...others.map(() => value)]
  await put(folder, `s/${table}/LOAD00000001.csv`, csv(columns, row(`1${one}`, one), row(`2${one}`, two)))
  await put(
    folder,
    `s/${table}/20260301-101500000.csv`,
    csv(
      ['Op', ...columns],
      ['U', ...row(`1${one}`, three)],
      ['D', ...row(`2${one}`, two)],
      ['I', ...row(`3${one}`, two)],
    ),
  )
  const { tables } = await ingest(lake, workplace.engine)
  expect(tables).toMatchObject([{ stopped: null, applied: 5, quarantined: 0 }])
  const list = columns.map(quoteName).join(', ')
  const rows = await rowsOf(lake, `SELECT ${list} FROM s.${quoteName(table)} ORDER BY 1`)
  expect(rows.map((each) => columns.map((name) => each[name]))).toEqual(
    [row(`1${one}`, three), row(`3${one}`, two)].map((each) => [...each]),
  )
}

test('a column, a table and a value of any spelling come through load, changes and query as they are', async () => {
  await fc.assert(fc.asyncProperty(project, roundTrip), { numRuns: times(25, 1000) })
}, 600_000)
