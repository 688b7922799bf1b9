// Tributary, deliberately broken: each variant forgets one rule that the design rests on. A suite that does not notice one of them proves
// nothing (reliability.md §6, row L). The product has no switches for this: its parts are exchanged on their way in.
import * as Sdk from '@aws-sdk/client-s3'
import { type AddFile, type Clock, commit, refreshSnapshot, removeOf, type Snapshot } from '@tributary/delta'
import type { S3Connection } from '@tributary/delta/s3'
import type { PreparedBatch } from '../../src/worker/commit-batch.ts'
import type { TableRun } from '../../src/worker/run.ts'
import { S3Failure } from './bucket.ts'
import { readTableRows, writeRows } from './data-files.ts'
import { memoryWork } from './memory-work.ts'
import { logicParts, type RunParts } from './run-seed.ts'
import type { Send } from './s3-client.ts'

/** A broken variant. */
export interface Mutant {
  readonly what: string
  readonly parts: RunParts
}

/** All of them. */
export const MUTANTS: readonly Mutant[] = [
  { what: 'a commit does not say which files it took in', parts: withBatch((batch) => ({ ...batch, entries: [] })) },
  { what: 'the bucket is not asked to keep a commit that is there', parts: withSend(unconditional) },
  { what: 'a writer does not know its own commit again', parts: withSend(namelessHead) },
  { what: 'files are cleaned up though the commit may have been made', parts: withSend(cleaningUp) },
  { what: 'a message is deleted when it is received', parts: deletingAtOnce() },
  { what: 'the change that arrives last wins', parts: unguarded() },
  {
    what: 'deletes are forgotten',
    parts: withBatch((batch) => ({ ...batch, state: { ...batch.state, tombstones: [] } })),
  },
  { what: 'rows that cannot be read are dropped', parts: withBatch((batch) => ({ ...batch, rejects: [] })) },
  { what: 'only the first page of a listing is read', parts: withSend(firstPage) },
  { what: 'the landing is listed once and for all', parts: listingOnce() },
  { what: 'garbage is deleted while it may be somebody’s next commit', parts: vacuumingAtOnce() },
  { what: 'an update leaves the old row', parts: withBatch(keepingOld) },
  { what: 'an answer is taken for granted: the ledger is not stored', parts: withSend(losingLedger) },
  { what: 'files of an earlier generation are left out', parts: withoutSuperseded() },
  { what: 'a cut body is taken for the object', parts: withSend(uncheckedBody) },
  { what: 'of several files in a message the first alone is waited for', parts: readingFirst() },
  {
    what: 'a truncate leaves the rows where they are',
    parts: withSend(truncating((line) => (line.startsWith('{"remove"') ? '' : line))),
  },
  {
    what: 'a truncate does not say which files came before it',
    parts: withSend(truncating((line) => line.replace(/\\"closedPlace\\":\\"[^"]*"/, '\\"closedPlace\\":\\""'))),
  },
  {
    what: 'an OPTIMIZE does not look at what came since it began',
    parts: withRewrite(async ({ clock }, { snapshot, added }) => {
      const { version, files } = await refreshSnapshot(snapshot)
      const removes = files.map((file) => ({ remove: removeOf(file, clock.now()) }))
      const info = { operation: 'OPTIMIZE' }
      await commit(snapshot.store, clock, { readVersion: version, actions: [...removes, { add: added }], info })
    }),
  },
  {
    what: 'an OPTIMIZE deletes the files that it replaced',
    parts: withRewrite(async ({ clock }, { snapshot, added }) => {
      const { store, version, files } = snapshot
      const removes = files.map((file) => ({ remove: removeOf(file, clock.now()) }))
      const info = { operation: 'OPTIMIZE' }
      const outcome = await commit(store, clock, { readVersion: version, actions: [...removes, { add: added }], info })
      if (outcome.kind === 'committed') for (const { path } of files) await store.delete(path)
    }),
  },
]

function withRewrite(
  finish: (
    parts: { readonly clock: Clock },
    rewritten: { readonly snapshot: Snapshot; readonly added: AddFile },
  ) => Promise<void>,
): RunParts {
  return {
    ...logicParts,
    rewrite: async ({ clock }, { snapshot }) => {
      const added = await writeRows(snapshot.store, clock, await readTableRows(snapshot))
      await finish({ clock }, { snapshot, added: { ...added, dataChange: false } })
    },
  }
}

function withBatch(change: (batch: PreparedBatch) => PreparedBatch): RunParts {
  return {
    ...logicParts,
    work: {
      ...memoryWork,
      prepare: async (run, plan, seen) => {
        const batch = await memoryWork.prepare(run, plan, seen)
        return batch === undefined ? undefined : change(batch)
      },
    },
  }
}

function withSend(change: (send: Send) => Send): RunParts {
  const wrap = (client: Sdk.S3Client): Sdk.S3Client => parseClient(change(parseSend(client)))
  return {
    ...logicParts,
    wrapConnection: (connection): S3Connection => ({
      ...connection,
      client: wrap(connection.client),
      once: wrap(connection.once),
    }),
  }
}

function parseClient(send: Send): Sdk.S3Client {
  return { send } as unknown as Sdk.S3Client
}

function parseSend(client: Sdk.S3Client): Send {
  return (command) => (client as unknown as { readonly send: Send }).send(command)
}

/** PUTs that replace what is there. */
export function unconditional(send: Send): Send {
  return (command) => {
    if (!(command instanceof Sdk.PutObjectCommand)) return send(command)
    const { IfNoneMatch: _, ...input } = command.input
    return send(new Sdk.PutObjectCommand(input))
  }
}

/** Answers that do not tell who wrote an object. */
export function namelessHead(send: Send): Send {
  return async (command) => {
    const answer = await send(command)
    return command instanceof Sdk.HeadObjectCommand && isObject(answer) ? { ...answer, Metadata: {} } : answer
  }
}

function cleaningUp(send: Send): Send {
  const written: string[] = []
  return async (command) => {
    if (!(command instanceof Sdk.PutObjectCommand)) return send(command)
    const { Key = '' } = command.input
    if (!/_delta_log\/\d+\.json$/.test(Key)) {
      written.push(Key)
      return send(command)
    }
    try {
      const answer = await send(command)
      written.length = 0
      return answer
    } catch (error) {
      const status = error instanceof S3Failure ? error.$metadata.httpStatusCode : 0
      if (status !== undefined && status < 500) throw error
      for (const key of written.splice(0)) await send(new Sdk.DeleteObjectCommand({ Bucket: '', Key: key }))
      throw new S3Failure('AccessDenied', 403)
    }
  }
}

function firstPage(send: Send): Send {
  return async (command) => {
    const answer = await send(command)
    return command instanceof Sdk.ListObjectsV2Command && isObject(answer) ? { ...answer, IsTruncated: false } : answer
  }
}

function losingLedger(send: Send): Send {
  let puts = 0
  return (command) => {
    const isLedger = command instanceof Sdk.PutObjectCommand && command.input.Key?.includes('/ledger/') === true
    puts += isLedger ? 1 : 0
    return isLedger && puts % 3 === 0 ? Promise.resolve({}) : send(command)
  }
}

/** Commits of a truncate with other lines. */
function truncating(change: (line: string) => string): (send: Send) => Send {
  return (send) => (command) => {
    if (!(command instanceof Sdk.PutObjectCommand) || !(command.input.Body instanceof Uint8Array)) return send(command)
    const text = new TextDecoder().decode(command.input.Body)
    if (!text.includes('"operation":"TRUNCATE"')) return send(command)
    const Body = new TextEncoder().encode(text.split('\n').map(change).join('\n'))
    return send(new Sdk.PutObjectCommand({ ...command.input, Body }))
  }
}

function uncheckedBody(send: Send): Send {
  return async (command) => {
    const answer = await send(command)
    return command instanceof Sdk.GetObjectCommand && isObject(answer)
      ? { ...answer, ContentLength: undefined }
      : answer
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function deletingAtOnce(): RunParts {
  return {
    ...logicParts,
    wrapQueue: (queue) => ({
      ...queue,
      receive: async (options) => {
        const messages = await queue.receive(options)
        await queue.delete(messages).catch(() => undefined)
        return messages
      },
    }),
  }
}

function readingFirst(): RunParts {
  const first = (body: string): string => body.replace(/,\{"eventVersion".*(?=\]\})/, '')
  return {
    ...logicParts,
    wrapQueue: (queue) => ({
      ...queue,
      receive: async (options) =>
        (await queue.receive(options)).map((message) => ({ ...message, body: first(message.body) })),
    }),
  }
}

function unguarded(): RunParts {
  return {
    ...logicParts,
    work: {
      ...memoryWork,
      prepare: (run, plan, seen) =>
        memoryWork.prepare(run, plan.kind === 'changes' ? { ...plan, guard: false } : plan, seen),
    },
  }
}

function listingOnce(): RunParts {
  return {
    ...logicParts,
    wrapLake: (lake) => {
      const known = new Map<string, Promise<readonly Awaited<ReturnType<typeof lake.landing.stat>>[]>>()
      const list: typeof lake.landing.list = async function* (prefix) {
        const entries = known.get(prefix) ?? Array.fromAsync(lake.landing.list(prefix))
        known.set(prefix, entries)
        for (const entry of await entries) if (entry !== undefined) yield entry
      }
      return { ...lake, landing: { ...lake.landing, list } }
    },
  }
}

function vacuumingAtOnce(): RunParts {
  const vacuum = async ({ session }: TableRun): Promise<void> => {
    const named = new Set(session.snapshot?.files.map(({ path }) => path))
    for await (const { path } of session.store.list('part-')) if (!named.has(path)) await session.store.delete(path)
  }
  return {
    ...logicParts,
    work: {
      ...memoryWork,
      prepare: async (run, plan, seen) => {
        await vacuum(run)
        return memoryWork.prepare(run, plan, seen)
      },
    },
  }
}

function keepingOld(batch: PreparedBatch): PreparedBatch {
  return { ...batch, actions: batch.actions.filter((action) => !('remove' in action)) }
}

function withoutSuperseded(): RunParts {
  return {
    ...logicParts,
    work: {
      ...memoryWork,
      prepare: async (run, plan, seen) =>
        plan.kind === 'superseded' ? undefined : memoryWork.prepare(run, plan, seen),
    },
  }
}
