// Worth its seconds: the live table and its history are two commits, and a crash or an error at any store operation must leave them so that
// the next run makes them one again.
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Engine, scanSql, TributaryError } from '@tributary/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { IS_SOAK } from '../../../delta/test/soak.ts'
import { ingest } from '../../src/worker/ingest.ts'
import type { Lake } from '../../src/worker/lake.ts'
import { type FaultPlan, faultyLake } from '../support/fault-store.ts'
import { foldedRows, historyOf } from '../support/history-fold.ts'
import { openWorkplace, type Workplace } from '../support/workplace.ts'
import { ACTS, copyOf, ingestWell, openSmallLake, putAct, TABLE, tableAt } from './small-landing.ts'

let workplace: Workplace
beforeAll(async () => {
  workplace = await openWorkplace()
})
afterAll(() => workplace.close())

const CRASHES = [
  { when: 'before', mode: 'dead' },
  { when: 'after', mode: 'dead' },
] as const satisfies readonly Omit<FaultPlan, 'at'>[]
const COLUMNS = [
  { name: 'id', type: 'long' },
  { name: 'note', type: 'string' },
] as const
/** All commits are hit, and of the other operations one in so many. */
const STEP = IS_SOAK ? 1 : 4
const [, reload] = ACTS

test.for(CRASHES)('a $mode store, $when any operation, leaves each change once in the history', async (crash) => {
  if (reload === undefined) throw new Error('there is a second act')
  const base = join(workplace.folder, `${crash.mode}-${crash.when}`, 'base')
  await mkdir(base, { recursive: true })
  const lake = await openSmallLake(base, { history: true })
  for (const act of ACTS.slice(0, 1)) await putAct(base, act)
  await ingestWell(lake, workplace.engine)
  await putAct(base, reload)
  const clean = await copyOf(base, 'clean', { history: true })
  const probe = faultyLake(clean.lake, { ...crash, at: Number.POSITIVE_INFINITY })
  await ingestWell(probe.lake, workplace.engine)
  const wanted = await changesOf(clean.lake, workplace.engine)
  const lags = new Set<number>()
  const places = probe.operations.flatMap((what, index) =>
    / create _delta_log/.test(what) || index % STEP === 0 ? [index + 1] : [],
  )
  for (const at of places) {
    const { folder, lake: trial } = await copyOf(base, 'trial', { history: true })
    const faulty = faultyLake(trial, { ...crash, at })
    await ingest(faulty.lake, workplace.engine).catch((error: unknown) => {
      if (crash.mode !== 'dead' && !(error instanceof TributaryError)) throw error
    })
    const where = `operation ${at}, ${faulty.failed() ?? 'none'}`
    lags.add(await lagOf(trial, workplace.engine))
    await ingestWell(trial, workplace.engine)
    expect(await changesOf(trial, workplace.engine), where).toEqual(wanted)
    const live = await tableAt(trial, workplace.engine)
    const folded = await foldedRows(workplace.engine, await historyOf(trial, TABLE), { key: ['id'], columns: COLUMNS })
    expect(folded, `${where}: live rows`).toEqual(live.rows)
    await rm(folder, { recursive: true })
  }
  expect([...lags].toSorted(), 'batches of the live table that the history lacked').toEqual([0, 1])
})

async function lagOf(lake: Lake, engine: Engine): Promise<number> {
  const history = await historyOf(lake, TABLE)
  const batch = Number(history?.transactions.get(`tributary/${TABLE}__history`)?.version ?? 0)
  const live = (await tableAt(lake, engine)).state?.batch ?? 0
  return live - batch
}

/** All of the history but when it was written. */
async function changesOf(lake: Lake, engine: Engine): Promise<readonly string[]> {
  const history = await historyOf(lake, TABLE)
  if (history === undefined) return []
  const rows = await engine.all(
    `SELECT CAST(h AS VARCHAR) AS line FROM (SELECT * EXCLUDE ("__committed_at") FROM (${await scanSql(engine, history)})) h ORDER BY 1`,
  )
  return rows.map(({ line }) => String(line))
}
