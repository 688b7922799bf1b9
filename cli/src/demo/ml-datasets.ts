// Builds the datasets of the demo at one cut. The one that people make by hand is refused, and built all the same for the sake of the comparison.
import { storeAt } from '@tributary/delta'
import { type BuildOutcome, buildDataset, type Manifest, readDefinition } from '@tributary/ml'
import { demoFailed } from '../errors.ts'
import { KNOWN, NAIVE, STALE_HOURS, staleName, writeUnguarded } from './ml-project.ts'
import { type Project, type Stage, timed } from './ml-stage.ts'
import { datasetText } from './ml-words.ts'

/** The datasets that models learn from. */
export interface Built {
  readonly known: Manifest
  readonly naive: Manifest
  /** By how many hours late the inputs are. */
  readonly stale: ReadonlyMap<number, Manifest>
}

/** Builds all. Throws `DEMO_FAILED` where one is refused that should not be, or the other way round. */
export async function buildAll(stage: Stage, project: Project): Promise<Built> {
  const known = await publish(stage, project, KNOWN)
  await timed(
    stage,
    () => build(stage, project, NAIVE),
    (outcome) => {
      if (outcome.kind === 'published') throw demoFailed(`${NAIVE} holds what is known afterwards, and was not refused`)
      return `dataset ${NAIVE}: refused, ${failuresOf(outcome)}. Built without this guard, to compare:`
    },
  )
  await writeUnguarded(stage.folder, NAIVE)
  const naive = await publish(stage, project, NAIVE)
  const stale = new Map<number, Manifest>()
  for (const hours of STALE_HOURS) stale.set(hours, await publish(stage, project, staleName(hours)))
  return { known, naive, stale }
}

function publish(stage: Stage, project: Project, name: string): Promise<Manifest> {
  return timed(
    stage,
    async () => {
      const outcome = await build(stage, project, name)
      if (outcome.kind === 'published') return outcome.manifest
      throw demoFailed(`${name} was refused: ${failuresOf(outcome)}`)
    },
    datasetText,
  )
}

async function build({ folder, engine, nowMs }: Stage, { lake }: Project, name: string): Promise<BuildOutcome> {
  return buildDataset(lake, engine, await readDefinition(storeAt(folder), name), { untilMs: nowMs })
}

function failuresOf({ findings }: Extract<BuildOutcome, { readonly kind: 'refused' }>): string {
  return findings.flatMap(({ outcome, message }) => (outcome === 'failed' ? [message] : [])).join('; ')
}
