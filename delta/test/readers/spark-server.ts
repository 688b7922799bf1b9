// One Spark for a whole test run, whichever workers ask: it takes ten seconds to start, so it starts with the first question and ends
// with the run. Vitest calls `setup` in its own process; workers ask through a socket in a folder of ours.

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where Spark answers: one line of JSON a connection, see spark.py. */
    readonly sparkSocket: string
  }
}

const ROOT = join(import.meta.dirname, '../../..')
const PYTHON = join(ROOT, '.venv/bin/python')
const DELTA_JARS = join(ROOT, '.venv/delta-jars')
const STOP_MS_MAX = 20_000
const LAST_WORDS_MAX = 4_000

/** Opens the socket; what it returns ends Spark, if anyone asked, and removes the folder. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-spark-'))
  const socketPath = join(folder, 'socket')
  let spark: Promise<Spark> | undefined
  const server = createServer({ allowHalfOpen: true }, async (socket) => {
    try {
      const question = await text(socket)
      spark ??= startSpark(folder)
      socket.end(await (await spark).ask(question))
    } catch (error) {
      socket.end(JSON.stringify({ error: String(error) }))
    }
  })
  await once(server.listen(socketPath), 'listening')
  project.provide('sparkSocket', socketPath)
  return async () => {
    server.close()
    await spark?.then((started) => started.stop()).catch(() => undefined)
    await rm(folder, { recursive: true, force: true })
  }
}

interface Spark {
  readonly ask: (question: string) => Promise<string>
  readonly stop: () => Promise<void>
}

async function startSpark(folder: string): Promise<Spark> {
  for (const path of [PYTHON, DELTA_JARS])
    await access(path).catch(() => {
      throw new Error(`${path} is not there: run make spark`)
    })
  const child = spawn(PYTHON, [join(import.meta.dirname, 'spark.py'), DELTA_JARS, folder])
  const ended = once(child, 'exit')
  return {
    ask: questions(child, ended),
    stop: async () => {
      // The end of its input ends it, and its Java process with it.
      child.stdin.end()
      AbortSignal.timeout(STOP_MS_MAX).addEventListener('abort', () => child.kill('SIGKILL'))
      await ended
    },
  }
}

/** Spark takes one question after the other and answers in their order. */
function questions(child: ChildProcessWithoutNullStreams, ended: Promise<unknown>): Spark['ask'] {
  const waiting: ((answer: string) => void)[] = []
  createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.(line))
  let lastWords = ''
  child.stderr.setEncoding('utf8').on('data', (words: string) => {
    lastWords = (lastWords + words).slice(-LAST_WORDS_MAX)
  })
  const died = ended.then((): never => {
    throw new Error(`Spark ended: ${lastWords}`)
  })
  died.catch(() => undefined)
  // A question to a process that has ended fails by `died`, not by its pipe.
  child.stdin.on('error', () => undefined)
  return (question) => {
    const answer = new Promise<string>((resolve) => waiting.push(resolve))
    child.stdin.write(`${question}\n`)
    return Promise.race([answer, died])
  }
}
