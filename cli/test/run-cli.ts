import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The command of this checkout. */
export const COMMAND = fileURLToPath(new URL('../../bin/tributary', import.meta.url))

/** What a finished command left behind. */
export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the real command in a process of its own. `stopReading` closes stdout after so many bytes, as `head` does. */
export async function tributary(
  args: readonly string[],
  options: {
    readonly cwd?: string
    readonly env?: Readonly<Record<string, string>>
    readonly stopReadingAfter?: number
    readonly stdin?: string
  } = {},
): Promise<Outcome> {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], ...options.env }
  const child = spawn(COMMAND, args, { cwd: options.cwd, env, stdio: ['pipe', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
    if (options.stopReadingAfter !== undefined && stdout.length >= options.stopReadingAfter) child.stdout.destroy()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  child.stdin.end(options.stdin ?? '')
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { code, stdout, stderr }
}

/** A fresh folder. */
export function freshFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'tributary-cli-'))
}

/** A project whose one table has a load of three rows, one of them bad, and a change file. */
export async function shopProject(): Promise<string> {
  const folder = await freshFolder()
  const orders = join(folder, 'landing/out/shop/orders')
  await mkdir(orders, { recursive: true })
  await writeFile(join(folder, 'tributary.yaml'), CONFIG)
  await writeFile(
    join(orders, 'LOAD00000001.csv'),
    'Op,dms_ts,order_id,amount,note\nI,2026-03-01 10:00:00,1,10.50,first\nI,2026-03-01 10:00:00,2,20.00,\nI,2026-03-01 10:00:00,3,abc,bad\n',
  )
  await writeFile(
    join(orders, '20260301-101502123.csv'),
    'Op,dms_ts,order_id,amount,note\nU,2026-03-01 10:15:00,1,11.00,changed\nD,2026-03-01 10:15:01,2,20.00,\nI,2026-03-01 10:15:02,4,40.00,new\n',
  )
  return folder
}

const CONFIG = `landing: landing
lake: lake
dms: {DataFormat: csv, AddColumnName: true, IncludeOpForFullLoad: true, TimestampColumnName: dms_ts, BucketFolder: out}
tables:
  shop.orders:
    key: [order_id]
    columns: {order_id: long, amount: 'decimal(12,2)', note: string}
`
