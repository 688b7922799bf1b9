import type { Writable } from 'node:stream'

/** The reader of stdout went away (`| head -1`): the work ends, and that is no error. */
export class ReaderGone extends Error {}

/** Where data go: stdout. Nothing else is written there. */
export interface DataStream {
  readonly isTerminal: boolean
  /** Columns of the terminal, undefined when it is none. */
  readonly columns: number | undefined
  /** Waits until the reader can take more. Throws `ReaderGone`. */
  readonly write: (data: string | Uint8Array) => Promise<void>
}

/** Opens stdout for data. */
export function openDataStream(
  stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number },
  environment: NodeJS.ProcessEnv,
): DataStream {
  let isGone = false
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    // Every other error also reaches the callback of the write that met it.
    if (error.code === 'EPIPE') isGone = true
  })
  const write = (data: string | Uint8Array): Promise<void> =>
    new Promise((resolve, reject) => {
      if (isGone) return reject(new ReaderGone())
      stdout.write(data, (error) => {
        if (error === null || error === undefined) return resolve()
        reject('code' in error && error.code === 'EPIPE' ? new ReaderGone() : error)
      })
    })
  const isTerminal = stdout.isTTY === true
  return { isTerminal, columns: isTerminal ? (columnsFrom(environment) ?? stdout.columns) : undefined, write }
}

function columnsFrom(environment: NodeJS.ProcessEnv): number | undefined {
  const columns = Number(environment['COLUMNS'])
  return Number.isInteger(columns) && columns > 0 ? columns : undefined
}
