import type { IngestEvent } from '@tributary/pipeline'

/** A table that stays stopped is said again so often: a log that is read from its end shows it, and is not full of it. */
export const SAY_AGAIN_MS = 10 * 60_000

interface Said {
  readonly text: string
  readonly ms: number
}

/**
 * Passes events on to `tell`, but a stop that was told within the last ten minutes, for the same reason: a watch meets it at each look. After
 * a commit of the table each stop is told. `nowMs` counts on whatever the system's time does.
 */
export function tellStopsOnce(
  tell: (event: IngestEvent) => void,
  nowMs: () => number = () => performance.now(),
): (event: IngestEvent) => void {
  const said = new Map<string, Said>()
  return (event) => {
    if (event.kind === 'committed') said.delete(event.table)
    if (event.kind === 'stopped') {
      const [text, ms] = [`${event.code} ${event.message}`, nowMs()]
      const last = said.get(event.table)
      if (last?.text === text && ms - last.ms < SAY_AGAIN_MS) return
      said.set(event.table, { text, ms })
    }
    tell(event)
  }
}
