// What the demo does with its datasets: models, the tables of what leaks and what freshness is worth, and the answer to one request.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Manifest } from '@tributary/ml'
import { EXIT } from '../exit-codes.ts'
import type { Built } from './ml-datasets.ts'
import { findDeviations, TOLERANCE } from './ml-expected.ts'
import { YEAR_DAYS } from './ml-project.ts'
import { type Request, readOutcome, readRequest } from './ml-request.ts'
import { type Project, ROOT, type Stage, say, show, timed } from './ml-stage.ts'
import { type Answer, askModel, drawPlot, PLOT, type PythonSide, parseResults, RESULTS, train } from './ml-training.ts'
import { freshnessTable, servedText, waysTable } from './ml-words.ts'

/** Where the definitions, the programs in Python and the expected figures are. */
export const PARTS: string = join(ROOT, 'cli/src/demo/ml')
/** The figures of a run that was kept. */
export const EXPECTED: string = join(PARTS, 'expected.json')
const SEEDS = [0, 1, 2]

/** Trains, tells what was found, and compares it with what is expected of the whole year. Throws `DEMO_FAILED`. */
export async function tellTraining(stage: Stage, { known, naive, stale }: Built): Promise<void> {
  const { invocation, folder, demo } = stage
  const side = sideOf(stage)
  const addressOf = ({ name, id }: Manifest): string => join(folder, 'lake', `${name}@${id}`)
  const plan = {
    datasets: { known: addressOf(known), naive: addressOf(naive) },
    stale: Object.fromEntries([...stale].map(([hours, manifest]) => [String(hours), addressOf(manifest)])),
    seeds: SEEDS,
  }
  const results = await timed(
    stage,
    () => train(side, plan),
    ({ ways }) => `${(Object.keys(ways).length + stale.size) * SEEDS.length} models trained and scored in Python`,
  )
  await timed(
    stage,
    () => drawPlot(side),
    () => `AUC against the age of the inputs drawn: ${join(demo.folder, PLOT)}`,
  )
  await show(stage, waysTable(results))
  await show(stage, freshnessTable(results))
  say(stage, '')
  if (demo.days !== YEAR_DAYS || demo.keep) return
  const deviations = findDeviations(results, parseResults(await readFile(EXPECTED, 'utf8')))
  for (const { what, found, expected } of deviations)
    invocation.words.warn(`${what}: ${found.toFixed(4)} and not ${expected.toFixed(4)}`)
  if (deviations.length > 0) invocation.end(EXIT.findings)
  else
    say(
      stage,
      `every figure is within ${TOLERANCE} of what is expected, and so are the seeds of one another (${join(demo.folder, RESULTS)})`,
    )
}

/** A request and what the model said. */
export interface Asked {
  readonly request: Request
  readonly answer: Answer
}

/** Asks the model about the next flight, and shows the rows of features that it saw. Throws `DEMO_FAILED`. */
export async function tellRequest(stage: Stage, project: Project): Promise<Asked> {
  const { engine, nowMs } = stage
  const request = await readRequest({ ...project, engine }, nowMs)
  const answer = await timed(
    stage,
    () => askModel(sideOf(stage), request.columns),
    ({ probability, dataset }) =>
      `asked at ${request.at}: flight ${request.flight} will be late with a probability of ${probability.toFixed(3)}, says the model of ${dataset}`,
  )
  for (const feature of request.features) say(stage, `          ${servedText(feature)}`)
  return { request, answer }
}

/** What became of the flight, once the last day came in. */
export async function tellOutcome(stage: Stage, project: Project, { request, answer }: Asked): Promise<void> {
  const delay = await readOutcome({ ...project, engine: stage.engine }, request.flight)
  const outcome =
    delay === null ? 'it never arrived' : `it arrived ${Math.abs(delay)} minutes ${delay < 0 ? 'early' : 'late'}`
  say(stage, `          ${outcome}; the model had said ${answer.probability.toFixed(3)}`)
}

function sideOf({ folder }: Stage): PythonSide {
  return { python: join(ROOT, '.venv/bin/python'), scripts: PARTS, package: join(ROOT, 'python'), folder }
}
