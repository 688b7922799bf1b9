// Worth its minutes: only a real process, really killed, shows what a disk holds when nobody could tidy up.
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { randomFrom, seedOfRun } from '../support/random.ts'
import { openTally } from '../support/tally.ts'
import { openWorkplace } from '../support/workplace.ts'
import { startIngest } from './ingest-process.ts'
import { checkEnd, checkState, deliver, killOnce, openLane, runWell } from './kill-lane.ts'

const KILLS = Number(process.env['TRIBUTARY_KILLS'] ?? 200)
const BETWEEN_MIN = KILLS / 10
const LANES = 2
const MOMENTS = ['random', 'data file', 'commit', 'random', 'sidecar'] as const

test('an ingest killed 200 times takes each change in once', { timeout: 600_000 }, async () => {
  const seed = seedOfRun()
  const tally = openTally(['before the data file', 'between data file and commit', 'after the commit'])
  const workplace = await openWorkplace()
  let kills = 0
  const lane = async (number: number): Promise<void> => {
    const engine = await workplace.engine.fork()
    const killed = await openLane(join(workplace.folder, `lane-${number}`), randomFrom(seed + number), {
      history: number === 0,
    })
    for (let round = number; kills < KILLS; round += 1) {
      await deliver(killed)
      const hit = await killOnce(killed, engine, MOMENTS[round % MOMENTS.length] ?? 'random')
      tally.add(hit)
      if (hit !== 'missed') kills += 1
      // Else files would pile up, and every later kill would come before anything is written.
      if (round % MOMENTS.length !== MOMENTS.length - 1) continue
      await runWell(killed)
      await checkEnd(killed, engine)
    }
    await runWell(killed)
    await checkEnd(killed, engine)
    await engine.close()
  }
  try {
    await Promise.all(Array.from({ length: LANES }, (_, number) => lane(number)))
  } finally {
    console.log(`seed ${seed}, ${kills} kills\n${tally.text()}`)
    await workplace.close()
  }
  expect(tally.zeros(), 'what no kill hit').toEqual([])
  expect(tally.count('between data file and commit')).toBeGreaterThanOrEqual(BETWEEN_MIN)
})

test('two ingest processes on one lake both end well and take each change in once', { timeout: 120_000 }, async () => {
  const workplace = await openWorkplace()
  const lane = await openLane(join(workplace.folder, 'both'), randomFrom(seedOfRun()), { history: true })
  for (let round = 0; round < 6; round += 1) {
    for (let file = 0; file < 4; file += 1) await deliver(lane)
    const both = [startIngest(lane.folder), startIngest(lane.folder)]
    for (const run of both) expect(await run.done, run.errors()).toBe(0)
    await checkState(lane, workplace.engine, `round ${round}`)
    await checkEnd(lane, workplace.engine)
  }
  await workplace.close()
})
