// What Spark sees in a table, and does to it: questions to the one Spark of the test run (spark-server.ts).

import { createConnection } from 'node:net'
import { text } from 'node:stream/consumers'
import { inject } from 'vitest'

/** The rows as Spark reads them, now or at a version: canonical lines, sorted. `select` takes expressions instead of all columns. */
export function sparkRows(
  table: string,
  { version, select = ['*'] }: { readonly version?: number; readonly select?: readonly string[] } = {},
): Promise<readonly string[]> {
  return ask({ table, version: version ?? null, select })
}

/** The change feed of a range of versions, both included, as Spark reads it: canonical lines without the time, sorted. */
export function sparkFeed(
  table: string,
  range: { readonly fromVersion: number; readonly toVersion: number },
): Promise<readonly string[]> {
  return ask({ table, ...range })
}

/** Spark runs a statement; the commit it makes carries the note as `userMetadata`. Fails with Spark's words. */
export async function sparkRun(
  table: string,
  statement: { readonly run: string; readonly note: string },
): Promise<void> {
  await ask({ table, ...statement })
}

async function ask(question: { readonly table: string; readonly [name: string]: unknown }): Promise<readonly string[]> {
  const socket = createConnection(inject('sparkSocket'))
  socket.end(JSON.stringify(question))
  const answer = parseAnswer(await text(socket))
  if ('error' in answer)
    throw new Error(`Spark does not ${'run' in question ? 'write' : 'read'} ${question.table}: ${answer.error}`)
  return answer.rows
}

type Answer = { readonly rows: readonly string[] } | { readonly error: string }

function parseAnswer(line: string): Answer {
  return JSON.parse(line) as Answer
}
