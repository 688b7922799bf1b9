import type { PreparedBatch } from './commit-batch.ts'
import type { LandingFile } from './plan.ts'
import { countLandingFile, ledgerEntry } from './read-file.ts'
import type { TableRun } from './run.ts'

/** Records files that belong to an earlier generation: their rows are counted and none is applied (design §3.1). */
export async function prepareSuperseded(run: TableRun, files: readonly LandingFile[]): Promise<PreparedBatch> {
  const { session, table } = run
  const generation = session.state?.generation ?? 1
  const entries: PreparedBatch['entries'][number][] = []
  for (const file of files) {
    const reading = await countLandingFile(run, file)
    entries.push(ledgerEntry(reading, Math.max(1, generation - 1), { applied: 0, superseded: reading.read, noop: 0 }))
  }
  const message = `${files.length} files belong to an earlier generation and are recorded as superseded: ${files[0]?.key ?? ''}`
  run.options.onEvent?.({ kind: 'warning', table: table.name, message })
  return {
    operation: 'SUPERSEDE',
    schema: session.snapshot?.schema ?? { type: 'struct', fields: [] },
    actions: [],
    added: [],
    entries,
    rejects: [],
    state: {},
    metrics: { inserted: 0, updated: 0, deleted: 0 },
  }
}
