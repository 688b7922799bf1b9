// `demo ml`: a year of flights becomes live tables, features, training sets, a model, and the answer to one request. All goes through the doors
// that a user has: ingest, refresh, build, `tributary_data.load`, verify.
import { access, cp } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { storeAt } from '@tributary/delta'
import { findDataset, type Manifest, readFeatures, verdictText, verifyDataset } from '@tributary/ml'
import { openLake, readConfig } from '@tributary/pipeline'
import { endOfDays, writeFlights } from './demo/flights-landing.ts'
import { buildAll } from './demo/ml-datasets.ts'
import { keepRun } from './demo/ml-keep.ts'
import { PARTS, tellOutcome, tellRequest, tellTraining } from './demo/ml-model.ts'
import { writeDefinitions } from './demo/ml-project.ts'
import { isEnding, type MlDemo, type Project, ROOT, type Stage, say, timed } from './demo/ml-stage.ts'
import { type StepTotals, stepTaker } from './demo/ml-stream.ts'
import { affectedText, stepsText, timedLine } from './demo/ml-words.ts'
import { demoFailed, demoNotSetUp } from './errors.ts'
import { EXIT } from './exit-codes.ts'
import { clearDemoFolder } from './flights-demo.ts'
import type { Invocation } from './invocation.ts'
import { DATASET_MEMORY_MIB } from './verbs/dataset-build.ts'
import { withEngine } from './with-engine.ts'

const DATA = join(ROOT, '.venv/flights')

/** Plays the demo. */
export async function playMl(invocation: Invocation, demo: MlDemo): Promise<void> {
  const folder = resolve(demo.folder)
  for (const path of [join(DATA, 'flights.csv'), ...(demo.train ? [join(ROOT, '.venv/.notebook-ready')] : [])])
    await access(path).catch(() => {
      throw demoNotSetUp(path, 'demo-ml')
    })
  await clearDemoFolder(invocation, folder)
  const { words, interrupts } = invocation
  const release = interrupts.finishFirst(() => words.warn('finishing the step under way; Ctrl-C again stops at once'))
  try {
    await withEngine(invocation, (source) =>
      withEngine(
        invocation,
        async (engine) => {
          const pace = { days: demo.days, lastHours: demo.hours }
          const steps = writeFlights(source, { data: DATA, folder, histories: ['flights', 'weather'] }, pace)
          await play({ invocation, demo, folder, engine, steps, nowMs: endOfDays(demo.days) * 1000, said: [] })
        },
        { memoryMiB: DATASET_MEMORY_MIB },
      ),
    )
  } finally {
    release()
    words.clear()
  }
  if (interrupts.signal.aborted) invocation.end(EXIT.interrupted)
}

async function play(stage: Stage): Promise<void> {
  const { demo, nowMs } = stage
  const startedMs = performance.now()
  const project = await openProject(stage)
  await takeUntil(stage, project, nowMs)
  if (isEnding(stage)) return
  const built = await buildAll(stage, project)
  if (isEnding(stage)) return
  if (demo.train) await tellTraining(stage, built)
  if (isEnding(stage)) return
  const asked = demo.train ? await tellRequest(stage, project) : undefined
  await takeUntil(stage, project, Number.POSITIVE_INFINITY)
  if (isEnding(stage)) return
  if (asked !== undefined) await tellOutcome(stage, project, asked)
  await tellVerified(stage, built.known)
  say(stage, timedLine(performance.now() - startedMs, `in all. Everything stays in ${demo.folder}`))
  if (demo.keep) await keepRun(stage)
}

/** The first step writes the configuration, and is the full load. */
async function openProject(stage: Stage): Promise<Project> {
  const { invocation, folder, engine, demo } = stage
  const startedMs = performance.now()
  const first = await stage.steps.next()
  if (first.done === true) throw demoFailed('there is nothing to load')
  await writeDefinitions(PARTS, folder, demo.days)
  const lake = openLake(await readConfig(join(folder, 'tributary.yaml')))
  const features = await readFeatures(storeAt(folder))
  const taker = stepTaker({ lake, engine, features, signal: invocation.interrupts.signal })
  const totals = await taker.take(first.value)
  say(stage, timedLine(performance.now() - startedMs, stepsText(totals)))
  return { lake, features, ...taker }
}

/** Takes steps in until the source's clock has come to a time; a line for each kind of step. */
async function takeUntil(stage: Stage, project: Project, untilMs: number): Promise<void> {
  const { words } = stage.invocation
  let totals: StepTotals | undefined
  let startedMs = performance.now()
  const tell = (): void => {
    words.clear()
    if (totals === undefined) return
    say(stage, timedLine(performance.now() - startedMs, stepsText(totals)))
    if (totals.refreshes > 0) say(stage, `          keys that a refresh computes (median): ${affectedText(totals)}`)
    startedMs = performance.now()
  }
  for (let clock = ''; !isEnding(stage) && (clock === '' || Date.parse(clock) < untilMs); ) {
    const next = await stage.steps.next()
    if (next.done === true) break
    if (totals !== undefined && totals.kind !== next.value.kind) tell()
    clock = next.value.until
    const now = await project.take(next.value)
    totals = now
    words.progress(() => `${clock.replace('T', ' ')}  ${stepsText(now)}`)
  }
  await project.settled()
  tell()
}

/** Makes the dataset again from a copy of the lake, whose tables have gone on since. */
async function tellVerified(stage: Stage, { id }: Manifest): Promise<void> {
  const { folder, engine, demo } = stage
  const copy = join(folder, 'copy')
  await timed(
    stage,
    async () => {
      for (const part of ['lake', 'tributary.yaml'])
        await cp(join(folder, part), join(copy, part), { recursive: true, preserveTimestamps: true })
    },
    () => `the lake copied to ${join(demo.folder, 'copy')}`,
  )
  const lake = openLake(await readConfig(join(copy, 'tributary.yaml')))
  await timed(
    stage,
    async () => {
      const manifest = await findDataset(lake, id)
      const verdict = await verifyDataset(lake, engine, manifest)
      if (verdict.kind !== 'reproduced') throw demoFailed(`the copy gives another dataset: ${verdictText(verdict)}`)
      return `dataset verify ${manifest.name}@${manifest.id} in the copy: ${verdictText(verdict)}`
    },
    (text) => text,
  )
}
