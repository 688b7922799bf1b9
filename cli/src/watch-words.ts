// What a watching `ingest` says: sentences for people, or one JSON object a line for programs that collect logs. Neither holds secrets or
// values of rows: counts, names and times only, and messages that pass the redactor.
import { redact } from '@tributary/delta/log'
import type { IngestEvent } from '@tributary/pipeline'
import { followIngest } from './ingest-words.ts'
import type { Invocation } from './invocation.ts'
import { tellStopsOnce } from './repeated-stops.ts'

/** How a watch is told. */
export type LogForm = 'text' | 'json'

/** Whom a watch tells. */
export interface WatchWords {
  readonly onEvent: (event: IngestEvent) => void
  /** Something about the process itself; `text` says it in words, `facts` in fields. */
  readonly tell: (event: 'watching' | 'metrics' | 'ending' | 'ended', text: string, facts: Facts) => void
  readonly commits: () => number
}

type Facts = Readonly<Record<string, string | number>>

/** Opens stderr in the form that was asked for. */
export async function openWatchWords(invocation: Invocation, form: LogForm): Promise<WatchWords> {
  const words = await (form === 'json' ? openJsonLog() : openText(invocation))
  return { ...words, onEvent: tellStopsOnce(words.onEvent) }
}

function openText(invocation: Invocation): WatchWords {
  const { words } = invocation
  const following = followIngest(invocation)
  return {
    ...following,
    tell: (event, text) => (event === 'ending' || event === 'ended' ? words.warn(text) : words.say(text)),
  }
}

async function openJsonLog(): Promise<WatchWords> {
  // Loaded here: it takes as long as the rest of the start, and few need it.
  const { pino } = await import('pino')
  // Written at once: the last line before the end is the one that is read first.
  const stderr = pino.destination({ fd: 2, sync: true })
  const log = pino(
    {
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
    },
    stderr,
  )
  let commits = 0
  return {
    onEvent: (event) => {
      const { kind, ...facts } = event
      switch (event.kind) {
        case 'committed':
          commits += 1
          log.info(clean({ event: kind, ...facts }))
          break
        case 'kept':
          log.info(clean({ event: kind, ...facts }))
          break
        case 'stopped':
          log.error(clean({ event: kind, ...facts }))
          break
        case 'warning':
          log.warn(clean({ event: kind, ...facts }))
          break
        case 'progress':
          break
      }
    },
    tell: (event, text, facts) => log.info(clean({ event, ...facts, message: text })),
    commits: () => commits,
  }
}

function clean(facts: Facts): Facts {
  return Object.fromEntries(
    Object.entries(facts).map(([name, fact]) => [name, typeof fact === 'string' ? redact(fact) : fact]),
  )
}
