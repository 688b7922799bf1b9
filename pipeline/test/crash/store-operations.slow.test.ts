// Worth its seconds: a crash or an error at every single store operation, of which the next run must notice nothing.
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { TributaryError } from '@tributary/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ingest } from '../../src/worker/ingest.ts'
import { type FaultPlan, faultyLake } from '../support/fault-store.ts'
import { openWorkplace, type Workplace } from '../support/workplace.ts'
import { ACTS, type Act, copyOf, ingestWell, openSmallLake, putAct, rowsOf, tableAt } from './small-landing.ts'

let workplace: Workplace
beforeAll(async () => {
  workplace = await openWorkplace()
})
afterAll(() => workplace.close())

const CRASHES = [
  { when: 'before', mode: 'dead' },
  { when: 'after', mode: 'dead' },
  { when: 'before', mode: 'once' },
  { when: 'after', mode: 'once' },
  { when: 'before', mode: 'full' },
] as const satisfies readonly Omit<FaultPlan, 'at'>[]

/** Fewer would mean that the faults miss the stores. */
const OPERATIONS_MIN = 6

const [load, reload, ...steady] = ACTS

test.for(CRASHES)('a $mode store, $when any operation of load and changes, costs nothing but time', async (crash) => {
  expect(await crashEverywhere('load', crash, load === undefined ? [] : [load])).toBeGreaterThan(OPERATIONS_MIN)
})

test.for(CRASHES)(
  'a $mode store, $when any operation of a reload with changes, costs nothing but time',
  async (crash) => {
    expect(await crashEverywhere('reload', crash, ACTS.slice(0, 2))).toBeGreaterThan(OPERATIONS_MIN)
  },
)

test.for(CRASHES)(
  'a $mode store, $when any operation of the commit with a checkpoint, costs nothing but time',
  async (crash) => {
    expect(reload === undefined ? 0 : steady.length).toBeGreaterThan(5)
    expect(await crashEverywhere('checkpoint', crash, ACTS)).toBeGreaterThan(OPERATIONS_MIN)
  },
)

/** Runs the last act again and again, failing one operation later each time. Returns how many operations there were. */
async function crashEverywhere(name: string, crash: Omit<FaultPlan, 'at'>, acts: readonly Act[]): Promise<number> {
  const base = join(workplace.folder, `${name}-${crash.mode}-${crash.when}`, 'base')
  await mkdir(base, { recursive: true })
  const lake = await openSmallLake(base)
  for (const act of acts.slice(0, -1)) {
    await putAct(base, act)
    await ingestWell(lake, workplace.engine)
  }
  const last = acts.at(-1)
  if (last === undefined) return 0
  await putAct(base, last)
  const clean = await copyOf(base, 'clean')
  await ingestWell(clean.lake, workplace.engine)
  const wanted = await tableAt(clean.lake, workplace.engine)
  expect(wanted.rows).toEqual(rowsOf(last))
  const cleanRows = new Map<number, readonly string[]>([[-1, []]])
  for (let version = 0; version <= wanted.version; version += 1)
    cleanRows.set(version, (await tableAt(clean.lake, workplace.engine, version)).rows)
  for (let at = 1; ; at += 1) {
    const { folder, lake: trial } = await copyOf(base, 'trial')
    const faulty = faultyLake(trial, { ...crash, at })
    await ingest(faulty.lake, workplace.engine).catch((error: unknown) => {
      if (crash.mode !== 'dead' && !(error instanceof TributaryError)) throw error
    })
    const where = `${crash.mode} ${crash.when} operation ${at}, ${faulty.failed() ?? 'none'}`
    const left = await tableAt(trial, workplace.engine)
    expect(left.rows, `${where}: one version and no half`).toEqual(cleanRows.get(left.version))
    await ingestWell(trial, workplace.engine)
    const after = await tableAt(trial, workplace.engine)
    expect(after.rows, `${where}: rows after the next run`).toEqual(wanted.rows)
    expect(after.state?.totals, `${where}: each row counted once`).toEqual(wanted.state?.totals)
    expect(after.version, `${where}: each batch committed once`).toBe(wanted.version)
    await rm(folder, { recursive: true })
    if (faulty.failed() === undefined) return at
  }
}
