// Slow for reading hundreds of tables that other engines wrote. A sample that meets every feature twice runs here; TRIBUTARY_SOAK=1
// runs all cases, TRIBUTARY_CASES=word those with the word in their name.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CHANGE_FIELDS,
  changesSql,
  type Engine,
  localStore,
  ndjsonSql,
  openEngine,
  readLines,
  readSnapshot,
  type StructField,
  scanSql,
  TributaryError,
} from '@tributary/delta'
import { planChanges } from '@tributary/pipeline'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { canonicalRows } from './canonical-rows.ts'
import { type Case, findSuite, placeTable, readCases, readLines as readExpected, sampleCases } from './cases.ts'

const suite = findSuite()
const word = process.env['TRIBUTARY_CASES']
const all = suite === undefined ? [] : readCases(suite)
const cases =
  word !== undefined
    ? all.filter(({ name }) => name.includes(word))
    : Number(process.env['TRIBUTARY_SOAK'] ?? 0) > 0
      ? all
      : sampleCases(all, 2)

let engine: Engine
let scratch: string
beforeAll(async () => {
  engine = await openEngine()
  scratch = mkdtempSync(join(tmpdir(), 'tributary-conformance-'))
})
afterAll(async () => {
  await engine.close()
  rmSync(scratch, { recursive: true })
})

if (suite === undefined) {
  // Nothing is claimed where nothing was read: the word says so in the list of tests.
  test('the conformance suite is not beside this checkout: no case was run', () => {
    expect(cases).toEqual([])
  })
} else {
  test.each(cases.map((one) => [one.name, one] as const))('%s', async (_, one) => {
    expect(await differences(suite, one)).toBe('')
  })
}

/** What is wrong, in a line; empty when the case holds. */
async function differences(folder: string, one: Case): Promise<string> {
  let lines: readonly string[]
  try {
    lines = await linesOf(placeTable(folder, scratch, one), one)
  } catch (error) {
    if (!(error instanceof TributaryError)) throw error
    return one.expect.error === true || one.expect.may_refuse === true ? '' : error.message
  }
  if (one.expect.error === true) return 'it must be refused, and was read'
  const fields: readonly StructField[] =
    one.kind === 'changes' ? [...one.schema.fields, ...CHANGE_FIELDS.slice(0, 2)] : one.schema.fields
  const found = canonicalRows(lines, fields)
  const files = [one.expect.data, ...(one.expect.alternatives ?? [])].filter((file) => typeof file === 'string')
  if (files.length === 0) return found.length === one.expect.rows ? '' : `${found.length} rows for ${one.expect.rows}`
  const wanted = files.map((file) => canonicalRows(readExpected(folder, file), fields))
  if (wanted.some((rows) => rows.join('\n') === found.join('\n'))) return ''
  const missing = wanted[0]?.find((row) => !found.includes(row))
  const extra = found.find((row) => !(wanted[0] ?? []).includes(row))
  return `${found.length} rows for ${wanted[0]?.length}; missing ${missing}; extra ${extra}`
}

async function linesOf(folder: string, { version, changes }: Case): Promise<readonly string[]> {
  const store = localStore(folder)
  const fork = await engine.fork()
  try {
    if (changes) {
      const { request } = await planChanges(store, { nowMs: 0, fromVersion: changes.start, toVersion: changes.end })
      const { sql, fields } = await changesSql(fork, store, request)
      const shown = fields.filter(({ name }) => name !== '_commit_timestamp')
      return (await Array.fromAsync(readLines(fork, ndjsonSql(sql, shown)))).flat()
    }
    const snapshot = await readSnapshot(store, version === null ? {} : { version })
    const sql = await scanSql(fork, snapshot)
    return (await Array.fromAsync(readLines(fork, ndjsonSql(sql, snapshot.schema.fields)))).flat()
  } finally {
    await fork.close()
  }
}
