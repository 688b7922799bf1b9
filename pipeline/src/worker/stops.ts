import { type Clock, type Store, TributaryError } from '@tributary/delta/log'
import { z } from 'zod'

const note = z.object({ code: z.string(), message: z.string(), at: z.string() }).readonly()

/** Why a table stands still. A note for `status` and people: nothing decides by it, and losing it loses nothing (law 1). */
export type StopNote = z.infer<typeof note>

function pathOf(table: string): string {
  return `_tributary/stops/${encodeURIComponent(table)}.json`
}

/** Writes the note down, in the lake's own folder: a table that never began has no folder yet. */
export async function rememberStop(
  { root, clock }: { readonly root: Store; readonly clock: Clock },
  table: string,
  error: TributaryError,
): Promise<StopNote> {
  const stop = { code: error.code, message: error.message, at: new Date(clock.now()).toISOString() }
  await root.write(pathOf(table), Buffer.from(JSON.stringify(stop)))
  return stop
}

/** The table goes on: the note is removed. */
export async function forgetStop(root: Store, table: string): Promise<void> {
  if ((await root.stat(pathOf(table))) !== undefined) await root.delete(pathOf(table))
}

/** The note, if the table's last run ended with one. A torn note is no note. */
export async function readStop(root: Store, table: string): Promise<StopNote | undefined> {
  if ((await root.stat(pathOf(table))) === undefined) return undefined
  try {
    const parsed = note.safeParse(JSON.parse(Buffer.from(await root.read(pathOf(table))).toString('utf8')))
    return parsed.success ? parsed.data : undefined
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TributaryError) return undefined
    throw error
  }
}
