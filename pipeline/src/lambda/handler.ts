// The function for AWS Lambda. A queue calls it with messages, and gets back which of them have to come again (ReportBatchItemFailures);
// a timer calls it to look at the whole landing. Nothing here decides what is applied: the landing and the ledgers do (law 1).
import { systemClock, TributaryError } from '@tributary/delta'
import { COMMIT_MS, type LargerEngine } from '../worker/room.ts'
import type { IngestEvent } from '../worker/run.ts'
import { type FunctionEvent, parseFunctionEvent } from './event.ts'
import { type BatchOutcome, takeMessages } from './take-messages.ts'
import { type FunctionSettings, reopen, type Warm, warmUp } from './warm.ts'

/** What Lambda tells about a call. */
export interface CallContext {
  readonly awsRequestId: string
  readonly getRemainingTimeInMillis: () => number
}

/** The answer to SQS: these messages come again, all others are done. */
export interface BatchAnswer {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[]
}

/** What a function works with. */
export interface FunctionParts extends FunctionSettings {
  /** One line of JSON. */
  readonly log: (line: string) => void
  /** Takes batches that do not fit into a function, of tables with `engine: auto`. */
  readonly larger?: LargerEngine
}

/** A batch under way is given up when so little time is left. */
const CUT_MS = COMMIT_MS / 2

/** Makes a handler that keeps its engine, connections and what it knows of tables from call to call. */
export function functionHandler(parts: FunctionParts): (event: unknown, context: CallContext) => Promise<BatchAnswer> {
  let warm: Warm | undefined
  return async (event, context) => {
    const asked = parseFunctionEvent(event)
    const wholeMs = context.getRemainingTimeInMillis()
    warm = await warmUp(parts, warm)
    const call: Call = { parts, context, wholeMs }
    let outcome = await takeIn(call, warm, asked)
    if (outcome.faults.some(isStaleAccess)) {
      warm = await reopen(parts, warm)
      outcome = await takeIn(call, warm, leftOf(asked, outcome))
    }
    for (const fault of outcome.faults) say(call, 'error', { message: describe(fault) })
    for (const { message, reason } of outcome.left) say(call, 'warn', { messageId: message.id, message: reason })
    warm.usedMs = parts.clock.now()
    if (outcome.faults.length > 0) {
      // Nobody knows what state they are in.
      await warm.parts.engine.close()
      warm = undefined
    }
    return { batchItemFailures: outcome.left.map(({ message }) => ({ itemIdentifier: message.id })) }
  }
}

interface Call {
  readonly parts: FunctionParts
  readonly context: CallContext
  readonly wholeMs: number
}

function takeIn(call: Call, warm: Warm, asked: FunctionEvent): Promise<BatchOutcome> {
  const { parts, context, wholeMs } = call
  const { pace, memoryBytes, diskBytes } = warm
  const remainingMs = context.getRemainingTimeInMillis
  return takeMessages(warm.parts, asked, {
    settleMs: warm.parts.lake.config.reloadSettleMs,
    room: { memoryBytes, diskBytes, remainingMs, wholeMs, pace },
    cut: AbortSignal.timeout(Math.max(0, remainingMs() - CUT_MS)),
    ...(parts.larger === undefined ? {} : { larger: parts.larger }),
    onEvent: (event) => sayEvent(call, event),
  })
}

/** Only what is not settled: what was, must not be looked at with other eyes. */
function leftOf(asked: FunctionEvent, { left }: BatchOutcome): FunctionEvent {
  return asked.kind === 'sweep' ? asked : { kind: 'messages', messages: left.map(({ message }) => message) }
}

/** Credentials that were good when the function fell asleep. */
function isStaleAccess(fault: unknown): boolean {
  return (
    fault instanceof TributaryError && (fault.code === 'S3_CREDENTIALS_REFUSED' || fault.code === 'S3_ACCESS_DENIED')
  )
}

function sayEvent(call: Call, event: IngestEvent): void {
  if (event.kind === 'progress') return
  say(call, LEVELS[event.kind], event)
}

const LEVELS: Readonly<Record<Exclude<IngestEvent['kind'], 'progress'>, 'info' | 'warn' | 'error'>> = {
  committed: 'info',
  kept: 'info',
  indexed: 'info',
  warning: 'warn',
  stopped: 'error',
}

function say({ parts, context }: Call, level: 'info' | 'warn' | 'error', fields: object): void {
  const time = new Date(parts.clock.now()).toISOString()
  parts.log(JSON.stringify({ time, level, requestId: context.awsRequestId, ...fields }))
}

function describe(fault: unknown): string {
  if (fault instanceof TributaryError) return `${fault.code}: ${fault.message}`
  return fault instanceof Error ? (fault.stack ?? fault.message) : String(fault)
}

/** What Lambda calls. `TRIBUTARY_CONFIG` names the configuration: a file of the function, or `s3://bucket/…/tributary.yaml`. */
export const handler = functionHandler({
  clock: systemClock,
  environment: process.env,
  log: (line) => void process.stdout.write(`${line}\n`),
})
