// What calls a function: SQS with a batch of messages, or a timer. Pure.
import { z } from 'zod'
import { functionEventUnknown } from '../errors.ts'
import type { QueueMessage } from '../queue/queue.ts'

/** What a function was called for. */
export type FunctionEvent =
  | { readonly kind: 'messages'; readonly messages: readonly QueueMessage[] }
  /** Look at the whole landing: for files whose messages were lost. */
  | { readonly kind: 'sweep' }

const sqsRecord = z.object({
  messageId: z.string().min(1),
  receiptHandle: z.string().default(''),
  body: z.string().default(''),
  eventSource: z.literal('aws:sqs'),
  attributes: z
    .object({ ApproximateReceiveCount: z.coerce.number().default(1), SentTimestamp: z.coerce.number().default(0) })
    .default({ ApproximateReceiveCount: 1, SentTimestamp: 0 }),
})
const sqsEvent = z.object({ Records: z.array(sqsRecord) })
// A rule of EventBridge, and its younger sibling Scheduler, which sends what one tells it to.
const timerEvent = z.object({ source: z.enum(['aws.events', 'aws.scheduler']) })

/** Reads the event. Throws `FUNCTION_EVENT_UNKNOWN`. */
export function parseFunctionEvent(event: unknown): FunctionEvent {
  if (timerEvent.safeParse(event).success) return { kind: 'sweep' }
  const parsed = sqsEvent.safeParse(event)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw functionEventUnknown(`${issue?.path.map(String).join('.')}: ${issue?.message}`)
  }
  const messages = parsed.data.Records.map(({ messageId, receiptHandle, body, attributes }) => ({
    id: messageId,
    receipt: receiptHandle,
    body,
    receives: attributes.ApproximateReceiveCount,
    sentMs: attributes.SentTimestamp,
  }))
  return { kind: 'messages', messages }
}
