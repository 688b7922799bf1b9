import type { IngestEvent } from '@tributary/pipeline'
import { splitMessage } from './failure.ts'
import type { Invocation } from './invocation.ts'
import { countText, durationText } from './quantity.ts'
import { visibleText } from './text-width.ts'

/** Listens to an ingest. */
export interface Following {
  readonly onEvent: (event: IngestEvent) => void
  readonly commits: () => number
}

/** Tells on stderr what an ingest does: a short line a commit, why a table stopped, and progress in between. */
export function followIngest({ words, paint }: Invocation): Following {
  let commits = 0
  const startedMs = performance.now()
  const onEvent = (event: IngestEvent): void => {
    switch (event.kind) {
      case 'committed':
        commits += 1
        words.say(committedText(event))
        break
      case 'stopped':
        words.warn(`${paint('red', 'stopped:')} ${visibleText(event.table)} ${event.code}: ${stopText(event.message)}`)
        break
      case 'warning':
        words.warn(`${paint('yellow', 'warning:')} ${visibleText(event.table)}: ${visibleText(event.message)}`)
        break
      case 'indexed':
        words.say(
          `${visibleText(event.table)}  key index built  ${countText(event.keys)} keys  ${durationText(event.ms)}`,
        )
        break
      case 'kept':
        words.say(keptText(event))
        break
      case 'progress':
        words.progress(() => progressText(event, performance.now() - startedMs))
        break
    }
  }
  return { onEvent, commits: () => commits }
}

type Committed = Extract<IngestEvent, { kind: 'committed' }>

function committedText(event: Committed): string {
  const parts = [
    visibleText(event.table),
    `v${event.version}`,
    event.operation,
    `${countText(event.files)} ${event.files === 1 ? 'file' : 'files'}`,
    `+${countText(event.inserted)} ~${countText(event.updated)} -${countText(event.deleted)}`,
  ]
  for (const [name, count] of [
    ['superseded', event.superseded],
    ['no-op', event.noop],
    ['quarantined', event.quarantined],
  ] as const) {
    if (count > 0) parts.push(`${countText(count)} ${name}`)
  }
  return [...parts, durationText(event.ms)].join('  ')
}

function keptText({ table, version, filesRemoved, filesAdded, ms }: Extract<IngestEvent, { kind: 'kept' }>): string {
  const files = `${countText(filesRemoved)} files became ${countText(filesAdded)}`
  return [visibleText(table), `v${version}`, 'OPTIMIZE', files, durationText(ms)].join('  ')
}

function stopText(message: string): string {
  const { what, cause, fix } = splitMessage(message)
  const lines = [
    what,
    ...(cause === undefined ? [] : [`  cause: ${cause}`]),
    ...(fix === undefined ? [] : [`  fix: ${fix}`]),
  ]
  return lines.map(visibleText).join('\n')
}

function progressText(event: Extract<IngestEvent, { kind: 'progress' }>, elapsedMs: number): string {
  const { table, files, filesTotal, rows } = event
  const parts = [
    `ingest ${visibleText(table)}`,
    `${countText(files)}/${countText(filesTotal)} files`,
    `${countText(rows)} rows`,
  ]
  if (elapsedMs > 500 && rows > 0) parts.push(`${countText(Math.round((rows / elapsedMs) * 1000))} rows/s`)
  if (files > 0 && files < filesTotal) parts.push(`ETA ${durationText((elapsedMs / files) * (filesTotal - files))}`)
  return parts.join('  ')
}
