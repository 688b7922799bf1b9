// One SeaweedFS for a whole test run: a real S3 server in one process. It starts when the first test asks where it is, and ends with
// the run. Its own shutdown takes a quarter of a minute and its data are ours to throw away, so it is killed, by its id.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where to ask for the endpoint of the S3 server. */
    readonly s3Socket: string
  }
}

const WEED = join(import.meta.dirname, '../../../.venv/bin/weed')
const START_MS_MAX = 60_000

export const KEYS = { accessKeyId: 'test', secretAccessKey: 'test/secret+key' }

/** Opens the socket; what it returns ends the server, if anyone asked, and removes the folder. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-s3-'))
  const socketPath = join(folder, 'socket')
  let server: Promise<S3Server> | undefined
  const door = createServer(async (socket) => {
    server ??= startS3Server(join(folder, 'weed'))
    socket.end(await server.then(({ endpoint }) => endpoint).catch((error: unknown) => String(error)))
  })
  await once(door.listen(socketPath), 'listening')
  project.provide('s3Socket', socketPath)
  return async () => {
    door.close()
    await server?.then((started) => started.kill()).catch(() => undefined)
    await rm(folder, { recursive: true, force: true })
  }
}

export interface S3Server {
  readonly endpoint: string
  readonly kill: () => Promise<void>
}

/** Starts a server in a folder of its own; on the port of one that was killed there it goes on with what that one had written. */
export async function startS3Server(folder: string, samePort?: number): Promise<S3Server> {
  await access(WEED).catch(() => {
    throw new Error(`${WEED} is not there: run make servers`)
  })
  await mkdir(join(folder, 'data'), { recursive: true })
  const identity = {
    name: 'test',
    credentials: [{ accessKey: KEYS.accessKeyId, secretKey: KEYS.secretAccessKey }],
    actions: ['Admin', 'Read', 'Write', 'List', 'Tagging'],
  }
  await writeFile(join(folder, 's3.json'), JSON.stringify({ identities: [identity] }))
  const port = samePort ?? (await findPorts())
  const child = spawn(WEED, weedArguments(folder, port), { stdio: 'ignore' })
  const endpoint = `http://127.0.0.1:${port}`
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
  await untilReady(child, endpoint).catch(async (error: unknown) => {
    await kill()
    throw error
  })
  return { endpoint, kill }
}

function weedArguments(folder: string, port: number): readonly string[] {
  return [
    '-logtostderr=true',
    'server',
    `-dir=${join(folder, 'data')}`,
    '-ip=127.0.0.1',
    '-ip.bind=127.0.0.1',
    `-master.port=${port + 1}`,
    `-volume.port=${port + 2}`,
    '-filer',
    `-filer.port=${port + 3}`,
    '-s3',
    `-s3.port=${port}`,
    `-s3.config=${join(folder, 's3.json')}`,
    '-s3.ip.bind=127.0.0.1',
    '-s3.port.iceberg=0',
    '-s3.port.lance=0',
    '-master.volumeSizeLimitMB=64',
    '-volume.max=0',
    '-master.telemetry=false',
    '-volume.preStopSeconds=0',
  ]
}

async function untilReady(child: ChildProcess, endpoint: string): Promise<void> {
  for (let waitedMs = 0; waitedMs < START_MS_MAX; waitedMs += 100) {
    if (child.exitCode !== null) throw new Error(`SeaweedFS ended with ${child.exitCode}`)
    const answer = await fetch(`${endpoint}/status`).catch(() => undefined)
    if (answer?.ok) return
    await sleep(100)
  }
  throw new Error('SeaweedFS is not ready after a minute')
}

/**
 * Four ports in a row, each also free 10,000 above: there SeaweedFS opens its own protocol. All lie below those that Linux gives to
 * connections that go out (32,768 and up): while a server that was killed is down, nobody takes its place.
 */
async function findPorts(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const first = 20_000 + Math.floor(Math.random() * 2_700)
    const ports = [0, 1, 2, 3].flatMap((next) => [first + next, first + next + 10_000])
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) return first
  }
  throw new Error('no free ports')
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening')
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}
