// What a lost, cut, repeated or late answer does to a write, with a real server behind the proxy that does it.

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { type Clock, systemClock } from '../../src/clock.ts'
import { s3Store } from '../../src/store/s3.ts'
import type { Store } from '../../src/store/store.ts'
import { makeBucket } from '../servers/bucket.ts'
import { type Fault, type FaultProxy, openFaultProxy, type ProxiedRequest } from '../servers/fault-proxy.ts'

const bucket = await makeBucket()
const COMMIT = '_delta_log/0.json'
let proxy: FaultProxy
let round = 0
afterEach(() => proxy.close())

// Waits between attempts are none of what is tested, but for zombies.
const hasty: Clock = { ...systemClock, sleep: () => Promise.resolve() }

/** A store behind the proxy; each PUT of the commit meets the next fault, and passes when there is none left. */
async function storeThrough(
  faults: readonly Fault[],
  options: { readonly clock?: Clock; readonly onHead?: Fault } = {},
) {
  const left = [...faults]
  round += 1
  proxy = await openFaultProxy(bucket.options.endpoint, ({ method, target }) => {
    if (!target.includes(COMMIT)) return 'pass'
    if (method === 'HEAD') return options.onHead ?? 'pass'
    return method === 'PUT' ? (left.shift() ?? 'pass') : 'pass'
  })
  const folder = `s3://${bucket.name}/round-${round}`
  const through = s3Store(
    folder,
    { ...bucket.options, endpoint: proxy.endpoint, requestTimeoutMs: 2_000 },
    options.clock ?? hasty,
  )
  return { through, direct: s3Store(folder, bucket.options) }
}

test.each<[string, Fault, readonly string[]]>([
  ['its answer is lost', 'lose-answer', ['PUT', 'HEAD']],
  ['it never arrives', 'lose-request', ['PUT', 'HEAD', 'PUT']],
  ['something on the way repeats it', 'repeat', ['PUT', 'HEAD']],
  ['the server fails before it is done', { status: 500, code: 'InternalError' }, ['PUT', 'HEAD', 'PUT']],
  ['another write is under way', { status: 409, code: 'ConditionalRequestConflict' }, ['PUT', 'PUT']],
  ['the server asks to slow down', { status: 503, code: 'SlowDown' }, ['PUT', 'PUT']],
])('a commit is made once, and known to be ours, when %s', async (_, fault, requests) => {
  const { through, direct } = await storeThrough([fault])
  expect(await through.create(COMMIT, bytes('ours'))).toBe('created')
  expect(await textOf(direct, COMMIT)).toBe('ours')
  expect(commitRequests().map(({ method }) => method)).toEqual(requests)
})

test.each<[string, Fault]>([
  ['is lost', 'lose-answer'],
  ['never arrives', 'lose-request'],
  ['is repeated', 'repeat'],
])('a commit that lost the race stays lost when its request %s, also with equal bytes', async (_, fault) => {
  const { through, direct } = await storeThrough([fault])
  await direct.create(COMMIT, bytes('equal'))
  expect(await through.create(COMMIT, bytes('equal'))).toBe('exists')
})

test('a commit that arrives after its sender gave up and sent it again changes nothing', async () => {
  const { through, direct } = await storeThrough([{ arriveAfterMs: 300 }], { clock: systemClock })
  expect(await through.create(COMMIT, bytes('ours'))).toBe('created')
  await proxy.close()
  expect(await textOf(direct, COMMIT)).toBe('ours')
})

test('a late commit of ours that arrives before the second try is known to be ours', async () => {
  const { through, direct } = await storeThrough([{ arriveAfterMs: 50 }], {
    clock: { ...systemClock, sleep: () => systemClock.sleep(400) },
  })
  expect(await through.create(COMMIT, bytes('ours'))).toBe('created')
  expect(await textOf(direct, COMMIT)).toBe('ours')
})

test('when another commit came in between, the one that was lost on its way has lost', async () => {
  const { through, direct } = await storeThrough(['lose-request'], {
    clock: { ...systemClock, sleep: async () => void (await direct.create(COMMIT, bytes('theirs'))) },
  })
  expect(await through.create(COMMIT, bytes('ours'))).toBe('exists')
  expect(await textOf(direct, COMMIT)).toBe('theirs')
})

test('a commit that nobody can look up is neither made nor failed, and says so', async () => {
  const { through } = await storeThrough(
    Array.from({ length: 6 }, (): Fault => 'lose-answer'),
    { onHead: 'lose-request' },
  )
  await expect(through.create(COMMIT, bytes('ours'))).rejects.toMatchObject({
    kind: 'unavailable',
    code: 'WRITE_UNKNOWN',
  })
  await expect(through.create(COMMIT, bytes('ours'))).rejects.toThrow(
    `It is not known whether s3://${bucket.name}/round-${round}/${COMMIT} was written: the server stopped answering, and what was sent may still arrive. Delete nothing and run again: the next run reads what became of it.`,
  )
})

test('a server that is busy at each try did not do it, and that is known', async () => {
  const { through, direct } = await storeThrough(Array.from({ length: 6 }, () => ({ status: 503, code: 'SlowDown' })))
  await expect(through.create(COMMIT, bytes('ours'))).rejects.toMatchObject({ code: 'S3_THROTTLED' })
  expect(await direct.stat(COMMIT)).toBeUndefined()
})

test('an object whose body breaks off is read and downloaded again', async () => {
  let cuts = 2
  proxy = await openFaultProxy(bucket.options.endpoint, ({ method }) =>
    method === 'GET' && cuts-- > 0 ? 'cut-answer' : 'pass',
  )
  const store = s3Store(`s3://${bucket.name}/cut`, { ...bucket.options, endpoint: proxy.endpoint }, hasty)
  await store.write('a', bytes('0123456789'))
  expect(await textOf(store, 'a')).toBe('0123456789')
  cuts = 2
  const folder = await mkdtemp(join(tmpdir(), 'tributary-download-'))
  const entry = await store.remote?.download('a', join(folder, 'a'))
  expect(entry).toEqual(await store.stat('a'))
  expect(await readFile(join(folder, 'a'), 'utf8')).toBe('0123456789')
  await rm(folder, { recursive: true })
})

test('a server that overwrites in spite of If-None-Match is refused before the first write', async () => {
  proxy = await openFaultProxy(bucket.options.endpoint, ({ method }) =>
    method === 'PUT' ? { status: 200, code: '' } : 'pass',
  )
  const store = s3Store(`s3://${bucket.name}/careless`, { ...bucket.options, endpoint: proxy.endpoint })
  await expect(store.create(COMMIT, bytes('ours'))).rejects.toMatchObject({
    kind: 'unsupported',
    code: 'CONDITIONAL_PUT_MISSING',
  })
  expect(commitRequests()).toEqual([])
})

test('a server is asked once whether it honours If-None-Match, whatever is written then', async () => {
  proxy = await openFaultProxy(bucket.options.endpoint)
  const options = { ...bucket.options, endpoint: proxy.endpoint }
  for (const path of ['a', 'b']) await s3Store(`s3://${bucket.name}/asked`, options).create(path, bytes('1'))
  expect(proxy.requests.filter(({ target }) => target.includes('.conditional-put'))).toHaveLength(2)
  await s3Store(`s3://${bucket.name}/asked`, { ...options }).create('c', bytes('1'))
  expect(proxy.requests.filter(({ target }) => target.includes('.conditional-put'))).toHaveLength(3)
})

function commitRequests(): readonly ProxiedRequest[] {
  return proxy.requests.filter(({ target }) => target.includes(COMMIT))
}

function bytes(content: string): Uint8Array {
  return new TextEncoder().encode(content)
}

async function textOf(store: Store, path: string): Promise<string> {
  return new TextDecoder().decode(await store.read(path))
}
