// Stands between workers and a queue of SQS and looks into each delete: all files that the message tells of must be in a commit by then.
// Tables alone would not show it, since every worker also lists the landing when it starts.
import { type Fault, openFaultProxy, type ProxiedRequest } from '../../../delta/test/servers/fault-proxy.ts'
import { type LandingPlace, parseNotification } from '../../src/queue/notification.ts'
import type { Moto, MotoQueue } from '../queue/moto.ts'
import type { BucketLane } from './bucket-lane.ts'

/** What was deleted. */
export interface DeleteWatch {
  /** The queue as workers have to name it. */
  readonly url: string
  /** Files that were in no commit when a message that tells of them was deleted. */
  readonly tooEarly: ReadonlySet<string>
  /** Files whose messages were deleted. */
  readonly deleted: ReadonlySet<string>
  readonly close: () => Promise<void>
}

/** Opens the door. `lane` may come later than the door: its configuration names it. */
export async function watchDeletes(
  moto: Moto,
  queue: MotoQueue,
  place: LandingPlace,
  lane: () => Pick<BucketLane, 'isTakenIn'>,
): Promise<DeleteWatch> {
  const filesBy = new Map<string, readonly string[]>()
  const tooEarly = new Set<string>()
  const deleted = new Set<string>()
  const proxy = await openFaultProxy(
    moto.endpoint,
    async (request): Promise<Fault> => {
      if (actionOf(request) !== 'DeleteMessageBatch') return 'pass'
      for (const { ReceiptHandle } of parseDeletes(request.body))
        for (const file of filesBy.get(ReceiptHandle) ?? []) {
          deleted.add(file)
          if (!(await lane().isTakenIn(file))) tooEarly.add(file)
        }
      return 'pass'
    },
    (request, body) => {
      if (actionOf(request) !== 'ReceiveMessage') return
      for (const { ReceiptHandle, Body } of parseReceived(body)) {
        const told = parseNotification(Body, place)
        if (told.kind === 'written') filesBy.set(ReceiptHandle, told.keys)
      }
    },
  )
  return { url: proxy.endpoint + new URL(queue.url).pathname, tooEarly, deleted, close: proxy.close }
}

function actionOf({ headers }: ProxiedRequest): string | undefined {
  return String(headers['x-amz-target'] ?? '').split('.')[1]
}

interface Received {
  readonly ReceiptHandle: string
  readonly Body: string
}

function parseReceived(body: Buffer): readonly Received[] {
  const { Messages = [] } = JSON.parse(body.toString()) as { readonly Messages?: readonly Received[] }
  return Messages
}

function parseDeletes(body: Buffer): readonly Pick<Received, 'ReceiptHandle'>[] {
  const { Entries } = JSON.parse(body.toString()) as { readonly Entries: readonly Pick<Received, 'ReceiptHandle'>[] }
  return Entries
}
