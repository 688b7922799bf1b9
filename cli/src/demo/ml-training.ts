// The Python side of the training demo: it reads published datasets by `tributary_data` and leaves files, which are read here.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { demoFailed } from '../errors.ts'
import { runProgram } from '../run-program.ts'

/** An area under the curve: the mean over the seeds, and how far apart they are. */
export interface Auc {
  readonly auc: number
  readonly spread: number
}

/** One way to build the training set: judged on rows that are built the same way, and on what is known in service. */
export interface WayResult {
  readonly title: string
  readonly offline: Auc
  readonly service: Auc
}

/** What training found, by the names of ways, and by how many hours late the inputs are. */
export interface TrainingResults {
  readonly ways: Readonly<Record<string, WayResult>>
  readonly staleness: Readonly<Record<string, Auc>>
}

/** What to train on: addresses of datasets. */
export interface TrainingPlan {
  readonly datasets: Readonly<Record<'known' | 'naive', string>>
  /** By hours. */
  readonly stale: Readonly<Record<string, string>>
  readonly seeds: readonly number[]
}

/** The answer to a request. */
export interface Answer {
  readonly probability: number
  /** The dataset that the model was trained on. */
  readonly dataset: string
}

/** Where Python and its programs are, and where files go. */
export interface PythonSide {
  readonly python: string
  readonly scripts: string
  /** The folder of the package `tributary_data`. */
  readonly package: string
  readonly folder: string
}

/** The files that stay beside the project. */
export const PLOT = 'auc-by-age.svg'
export const RESULTS = 'auc.json'
const MODEL = 'model.joblib'

/** Trains and scores. Throws `DEMO_FAILED`. */
export async function train(side: PythonSide, plan: TrainingPlan): Promise<TrainingResults> {
  const results = join(side.folder, RESULTS)
  const path = join(side.folder, 'training.json')
  await writeFile(path, json({ ...plan, results, model: join(side.folder, MODEL) }))
  await runScript(side, 'train.py', [path])
  return parseResults(await readFile(results, 'utf8'))
}

/** Draws the AUC against the age of the inputs. Throws `DEMO_FAILED`. */
export async function drawPlot(side: PythonSide): Promise<void> {
  await runScript(side, 'plot.py', [join(side.folder, RESULTS), join(side.folder, PLOT)])
}

/** Asks the model. Throws `DEMO_FAILED`. */
export async function askModel(side: PythonSide, columns: Readonly<Record<string, unknown>>): Promise<Answer> {
  const [request, answer] = [join(side.folder, 'request.json'), join(side.folder, 'answer.json')]
  await writeFile(request, json(columns))
  await runScript(side, 'answer.py', [join(side.folder, MODEL), request, answer])
  return parseAnswer(await readFile(answer, 'utf8'))
}

async function runScript(side: PythonSide, name: string, args: readonly string[]): Promise<void> {
  const env = { ...process.env, PYTHONPATH: side.package, PYTHONDONTWRITEBYTECODE: '1' }
  const code = await runProgram(side.python, [join(side.scripts, name), ...args], { stdout: 'ignore', env })
  if (code !== 0) throw demoFailed(`${name} ended with exit code ${code}`)
}

/** Counts are 64-bit integers, which JSON here does not know; these are small. */
function json(value: unknown): string {
  return `${JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? Number(inner) : inner), 2)}\n`
}

/** The text of `auc.json`. */
export function parseResults(text: string): TrainingResults {
  return JSON.parse(text) as TrainingResults
}

function parseAnswer(text: string): Answer {
  return JSON.parse(text) as Answer
}
