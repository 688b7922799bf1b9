// Every order in which a few writers can reach a bucket, and every fate of every request, up to a number of faults: the committer is the
// product's, with its read-back and its repeats. A writer is a function of the answers that it got, so two ways to the same bucket and the
// same answers have the same future, and only one of them is followed.
import * as Sdk from '@aws-sdk/client-s3'
import { readSnapshot, type Store, TributaryError } from '@tributary/delta'
import { s3StoreOver } from '@tributary/delta/s3'
import { type Bucket, createBucket, parseRequest, type Request, S3Failure } from './bucket.ts'
import { clockOf, createTable, write } from './racing-writer.ts'
import { answer, connectionBy, directConnection, type Send } from './s3-client.ts'

/** What to explore. */
export interface Exploration {
  readonly writers: number
  /** Whether each writes a data file before, and tries again after a lost race. */
  readonly isLong: boolean
  readonly faultsMax: number
  /** Breaks the writers, to see that it is found. */
  readonly change?: (send: Send) => Send
}

/** What was found. */
export interface Explored {
  readonly states: number
  readonly ends: number
  readonly failure: string | undefined
}

/** What can become of a request. */
const FATES = ['done', 'refused', 'conflict', 'failed', 'lost', 'late', 'died before', 'died after'] as const
type Fate = (typeof FATES)[number]

/** Follows every way. */
export async function explore(exploration: Exploration): Promise<Explored> {
  const seen = new Set<string>()
  const open: (readonly number[])[] = [[]]
  let ends = 0
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const way = [...path]
    const run = await startRun(exploration)
    for (let at = 0; ; at += 1) {
      await new Promise((resolve) => setImmediate(resolve))
      const choices = run.choices()
      if (choices.length === 0) {
        ends += 1
        const failure = await run.whyBroken()
        if (failure !== undefined) return { states: seen.size, ends, failure: `${failure}\n${run.history.join('\n')}` }
        break
      }
      if (at >= path.length) {
        const state = run.state()
        if (seen.has(state)) break
        seen.add(state)
        for (let other = choices.length - 1; other > 0; other -= 1) open.push([...way, other])
        way.push(0)
      }
      choices[way[at] ?? 0]?.()
    }
  }
  return { states: seen.size, ends, failure: undefined }
}

interface Run {
  /** Steps that can be next. */
  readonly choices: () => readonly (() => void)[]
  readonly state: () => string
  readonly whyBroken: () => Promise<string | undefined>
  readonly history: readonly string[]
}

interface Writer {
  readonly name: string
  readonly answers: string[]
  pending:
    | { readonly request: Request; readonly resolve: (value: unknown) => void; readonly reject: (error: Error) => void }
    | undefined
  isAlive: boolean
  outcome: string
}

const ROOT = 's3://sim-bucket/t'

async function startRun({ writers: count, isLong, faultsMax, change = (send) => send }: Exploration): Promise<Run> {
  const writes: string[] = []
  const bucket = createBucket(
    () => 0,
    (what, key) => writes.push(`${what} ${key}`),
  )
  await createTable(directStoreOf(bucket))
  const late: Request[] = []
  const history: string[] = []
  let faults = 0
  const writers = Array.from({ length: count }, (_, at): Writer => {
    const writer: Writer = { name: `w${at + 1}`, answers: [], pending: undefined, isAlive: true, outcome: 'at work' }
    const store = storeOf(writer, change)
    void write(store, clockOf(writer.name), { name: writer.name, isLong }).then(
      (outcome) => {
        writer.outcome = outcome
      },
      (error: unknown) => {
        writer.outcome = error instanceof TributaryError ? error.code : `bug: ${String(error)}`
      },
    )
    return writer
  })
  const meet = (writer: Writer, fate: Fate): void => {
    const { pending } = writer
    if (pending === undefined) return
    writer.pending = undefined
    if (fate !== 'done') faults += 1
    const { request } = pending
    history.push(`${writer.name} ${request.kind} ${request.kind === 'list' ? request.prefix : request.key}: ${fate}`)
    const end = fateOf(bucket, request, fate)
    if (fate === 'late') late.push(request)
    if (fate.startsWith('died')) {
      writer.isAlive = false
      writer.outcome = 'died'
      return
    }
    writer.answers.push('error' in end ? end.error.name : JSON.stringify({ ...end.value, Body: undefined }))
    if ('error' in end) pending.reject(end.error)
    else pending.resolve(end.value)
  }
  return {
    history,
    choices: () => [
      ...writers.flatMap((writer) =>
        writer.pending === undefined
          ? []
          : FATES.filter((fate) => isPossible(writer.pending?.request, fate, faults < faultsMax)).map(
              (fate) => () => meet(writer, fate),
            ),
      ),
      ...late.map((request, at) => () => {
        late.splice(at, 1)
        history.push(`late ${request.kind === 'list' ? '' : request.key} arrives`)
        fateOf(bucket, request, 'done')
      }),
    ],
    state: () =>
      JSON.stringify([
        [...bucket.objects].map(([key, { metadata }]) => [key, metadata]).sort(),
        writers.map(({ answers, isAlive, pending }) => [answers, isAlive, pending !== undefined]),
        late.map((request) => (request.kind === 'put' ? [request.key, request.metadata] : [request.kind])),
        faults,
      ]),
    whyBroken: () => whyBroken(bucket, writers, writes),
  }
}

function isPossible(request: Request | undefined, fate: Fate, isFaultLeft: boolean): boolean {
  if (fate === 'done') return true
  if (!isFaultLeft || request === undefined) return false
  const isWrite = request.kind === 'put' || request.kind === 'delete'
  if (fate === 'conflict') return request.kind === 'put' && request.isConditional
  return isWrite || fate === 'failed' || fate === 'died before'
}

type End = { readonly value: object } | { readonly error: S3Failure }

function fateOf(bucket: Bucket, request: Request, fate: Fate): End {
  switch (fate) {
    case 'refused':
      return { error: new S3Failure('SlowDown', 503) }
    case 'conflict':
      return { error: new S3Failure('ConditionalRequestConflict', 409) }
    case 'failed':
      return { error: new S3Failure('InternalError', 500) }
    case 'late':
    case 'died before':
      return { error: new S3Failure('TimeoutError', undefined) }
    case 'done':
    case 'lost':
    case 'died after':
      try {
        const value = answer(bucket, request, 1000) ?? {}
        return fate === 'lost' ? { error: new S3Failure('InternalError', 500) } : { value }
      } catch (error) {
        if (error instanceof S3Failure)
          return { error: fate === 'lost' ? new S3Failure('TimeoutError', undefined) : error }
        throw error
      }
  }
}

function storeOf(writer: Writer, change: (send: Send) => Send): Store {
  const send = change(
    (command) =>
      new Promise((resolve, reject) => {
        if (writer.isAlive) writer.pending = { request: parseRequest(Sdk, command), resolve, reject }
      }),
  )
  const again = (command: unknown): Promise<unknown> =>
    send(command).catch((error: unknown) => {
      if (!(error instanceof S3Failure) || (error.$metadata.httpStatusCode ?? 500) < 500) throw error
      return again(command)
    })
  return s3StoreOver(ROOT, () => Promise.resolve(connectionBy(send, again)), clockOf(writer.name))
}

function directStoreOf(bucket: Bucket): Store {
  return s3StoreOver(ROOT, () => Promise.resolve(directConnection(bucket)), clockOf('base'))
}

/** I2, I4 and I5, and that nobody was told what is not so. */
async function whyBroken(
  bucket: Bucket,
  writers: readonly Writer[],
  writes: readonly string[],
): Promise<string | undefined> {
  const commits = writes.filter((write) => write.startsWith('put t/_delta_log/'))
  if (new Set(commits).size < commits.length) return 'I4 a commit was written twice'
  const snapshot = await readSnapshot(directStoreOf(bucket))
  if (commits.length !== snapshot.version + 1) return 'I4 the versions have a gap'
  for (const { path } of snapshot.files)
    if (!bucket.objects.has(`t/${path}`)) return `I5 ${path} is named and not there`
  for (const { name, outcome } of writers) {
    const mark = `"appId":"${name}"`
    const versions = [...bucket.objects].flatMap(([key, { bytes }]) =>
      new TextDecoder().decode(bytes).includes(mark) ? [Number(/(\d{20})\.json$/.exec(key)?.[1])] : [],
    )
    if (versions.length > 1) return `I2 ${name} committed twice`
    if (outcome.startsWith('bug')) return `${name}: ${outcome}`
    if (outcome === 'lost' && versions.length > 0)
      return `${name} was told that it lost, and version ${versions[0]} is its own`
    if (outcome.startsWith('committed') && outcome !== `committed ${versions[0]}`)
      return `${name} ${outcome}, and the log says ${versions[0]}`
  }
  return undefined
}
