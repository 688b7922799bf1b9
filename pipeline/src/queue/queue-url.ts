import { z } from 'zod'

/** A queue of SQS, as its URL names it. */
export interface QueueUrl {
  /** Where on AWS it is; undefined on other servers. */
  readonly region: string | undefined
}

/** Reads `https://sqs.eu-west-1.amazonaws.com/111122223333/name`, or the same on another server; undefined where it is neither. */
export function parseQueueUrl(text: string): QueueUrl | undefined {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') return undefined
  if (!/^\/[0-9]{12}\/[A-Za-z0-9_-]{1,80}(\.fifo)?$/.test(url.pathname) || url.search !== '' || url.hash !== '')
    return undefined
  const [, region] =
    /^(?:sqs(?:-fips)?|[a-z0-9-]+\.sqs)\.([a-z0-9-]+)\.(?:vpce\.)?amazonaws\.com(?:\.cn)?$/.exec(url.hostname) ?? []
  return { region }
}

/** What the queue's `RedrivePolicy` says: when it puts a message away by itself, and where. */
export interface Redrive {
  readonly receivesMax: number
  readonly deadUrl: string
}

const redrivePolicy = z.object({ deadLetterTargetArn: z.string(), maxReceiveCount: z.coerce.number().int().positive() })

/** Reads the attribute. The dead-letter queue is always in the region of its queue, so its URL differs in the path only. */
export function parseRedrive(policy: string | undefined, url: string): Redrive | undefined {
  if (policy === undefined) return undefined
  const { deadLetterTargetArn, maxReceiveCount } = redrivePolicy.parse(JSON.parse(policy))
  const [account = '', name = ''] = deadLetterTargetArn.split(':').slice(-2)
  const dead = new URL(url)
  dead.pathname = `/${account}/${name}`
  return { receivesMax: maxReceiveCount, deadUrl: dead.href }
}
