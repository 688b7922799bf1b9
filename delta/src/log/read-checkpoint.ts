// Checkpoints are read in plain JavaScript, so that looking at a table never loads DuckDB. PROTOCOL.md, "V2 Spec": the second kind may
// keep its file actions in sidecars, and its top level may be lines of JSON.

import { checkpointCorrupt } from '../errors.ts'
import type { Action } from '../protocol/actions.ts'
import { type Complain, parseAction } from '../protocol/parse-actions.ts'
import type { Store, StoreEntry } from '../store/store.ts'
import { readCheckpointRows } from './checkpoint-parquet.ts'
import { parseCheckpointVersion, parseSidecar } from './checkpoint-row.ts'
import type { CheckpointFiles } from './list.ts'
import { EMPTY_STATE, startReplay, type TableState } from './replay.ts'

/** The state that a checkpoint holds. Throws `CHECKPOINT_CORRUPT`, which names the file: a part, or a sidecar. */
export async function readCheckpoint(store: Store, checkpoint: CheckpointFiles): Promise<TableState> {
  const replay = startReplay(EMPTY_STATE)
  const sidecars = new Set<string>()
  for (const part of checkpoint.parts) {
    const complain = complainOf(part.path)
    for await (const rows of readRows(store, part, complain)) {
      replay.add(actionsOf(rows, complain))
      for (const row of rows) {
        assertVersion(row, checkpoint.version, complain)
        const sidecar = parseSidecar(row, complain)
        if (sidecar !== undefined) sidecars.add(sidecar)
      }
    }
  }
  for (const path of sidecars) {
    const complain = complainOf(path)
    const entry = await store.stat(path)
    if (entry === undefined) throw complain('it is named by a checkpoint and is not there')
    for await (const rows of readCheckpointRows(store, entry, complain)) replay.add(fileActionsOf(rows, complain))
  }
  const state = replay.finish()
  assertWhole(checkpoint, state)
  return state
}

// A Parquet file ends with its footer, but lines of JSON that were cut between two of them look whole: only the hint tells.
function assertWhole({ parts, filesHinted }: CheckpointFiles, { files }: TableState): void {
  const [top] = parts
  if (top === undefined || !top.path.endsWith('.json') || filesHinted === undefined) return
  if (files.length !== filesHinted)
    throw checkpointCorrupt(top.path, `it holds ${files.length} files and _last_checkpoint says ${filesHinted}`)
}

function assertVersion(row: unknown, version: number, complain: Complain): void {
  const stated = parseCheckpointVersion(row)
  if (stated !== undefined && stated !== version) throw complain(`it says that it is of version ${stated}`)
}

function complainOf(path: string): Complain {
  return (why, cause) => checkpointCorrupt(path, why, { cause })
}

function actionsOf(rows: readonly unknown[], complain: Complain): readonly Action[] {
  const actions: Action[] = []
  for (const row of rows) {
    const action = parseAction(row, complain)
    if (action !== undefined) actions.push(action)
  }
  return actions
}

function fileActionsOf(rows: readonly unknown[], complain: Complain): readonly Action[] {
  const actions = actionsOf(rows, complain)
  if (!actions.every((action) => 'add' in action || 'remove' in action))
    throw complain('a sidecar holds something else than files')
  return actions
}

/** Rows as action objects, some at a time. */
async function* readRows(store: Store, part: StoreEntry, complain: Complain): AsyncGenerator<readonly unknown[]> {
  if (part.path.endsWith('.json')) yield parseLines(await store.read(part.path), complain)
  else yield* readCheckpointRows(store, part, complain)
}

function parseLines(bytes: Uint8Array, complain: Complain): readonly unknown[] {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return text
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line): unknown => JSON.parse(line))
  } catch (cause) {
    throw complain('it is not made of lines of JSON', cause)
  }
}
