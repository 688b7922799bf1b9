// What S3 says when an object comes or goes, in the shapes in which it reaches a queue (dms-format.md part 2): as it is or in an
// SNS envelope, or as EventBridge words it. Pure: a text in, keys of the landing or a reason out.
import { z } from 'zod'

/** What a message says about the landing. */
export type Notification =
  /** Objects were written; keys are relative to the landing. */
  | { readonly kind: 'written'; readonly keys: readonly string[]; readonly writtenMs: number | undefined }
  /** Nothing that the landing has to know. */
  | { readonly kind: 'nothing'; readonly why: string }
  /** No notification of S3, or a damaged one. */
  | { readonly kind: 'unreadable'; readonly why: string }

/** The landing's bucket, and what all its keys begin with: empty, or with a slash at its end. */
export interface LandingPlace {
  readonly bucket: string
  readonly prefix: string
}

/** The place of a landing in S3, as the configuration names it. Undefined for a folder: nobody tells of it. */
export function parseLandingPlace(landing: string): LandingPlace | undefined {
  const [, bucket, path = ''] = /^s3:\/\/([^/]+)\/?(.*)$/s.exec(landing) ?? []
  return bucket === undefined ? undefined : { bucket, prefix: path === '' ? '' : `${path.replace(/\/$/, '')}/` }
}

const s3Record = z.object({
  eventVersion: z.string().regex(/^2\./),
  eventTime: z.string().optional(),
  // MinIO writes `s3:` before it.
  eventName: z.string().transform((name) => name.replace(/^s3:/, '')),
  s3: z.object({ bucket: z.object({ name: z.string() }), object: z.object({ key: z.string() }) }),
})
const s3Message = z.object({ Records: z.array(s3Record) })
const testMessage = z.object({ Event: z.literal('s3:TestEvent') })
const snsMessage = z.object({ Type: z.literal('Notification'), Message: z.string() })
const eventBridgeMessage = z.object({
  'detail-type': z.string(),
  source: z.literal('aws.s3'),
  time: z.string().optional(),
  detail: z.object({ bucket: z.object({ name: z.string() }), object: z.object({ key: z.string() }) }),
})

/** An object that came or went, whichever way it was told. */
interface Event {
  readonly bucket: string
  readonly key: string
  readonly isWritten: boolean
  readonly time: string | undefined
}

/** Reads a message's body. */
export function parseNotification(body: string, landing: LandingPlace): Notification {
  const events = parseEvents(body, 0)
  if (typeof events === 'string') return { kind: 'unreadable', why: events }
  const written = events.filter(({ isWritten }) => isWritten)
  const here = written.filter(
    ({ bucket, key }) => bucket === landing.bucket && key.startsWith(landing.prefix) && key !== landing.prefix,
  )
  if (here.length === 0) return { kind: 'nothing', why: whyNothing(events.length, written.length) }
  const times = here.flatMap(({ time }) => parseTime(time) ?? [])
  return {
    kind: 'written',
    keys: [...new Set(here.map(({ key }) => key.slice(landing.prefix.length)))],
    writtenMs: times.length === 0 ? undefined : Math.min(...times),
  }
}

function whyNothing(events: number, written: number): string {
  if (events === 0) return 'a test of the notification'
  return written === 0 ? 'no object was written' : 'the objects are not in the landing'
}

// A topic may feed a topic.
const ENVELOPES_MAX = 3

function parseEvents(body: string, depth: number): readonly Event[] | string {
  let json: unknown
  try {
    json = JSON.parse(body)
  } catch {
    return 'it is no JSON'
  }
  const s3 = s3Message.safeParse(json)
  if (s3.success) return parseRecords(s3.data)
  if (testMessage.safeParse(json).success) return []
  const sns = snsMessage.safeParse(json)
  if (sns.success)
    return depth < ENVELOPES_MAX ? parseEvents(sns.data.Message, depth + 1) : 'it has too many envelopes around it'
  const bridge = eventBridgeMessage.safeParse(json)
  if (!bridge.success) return 'it is no notification of S3'
  const { detail, time } = bridge.data
  // EventBridge gives the key as it is.
  const isWritten = bridge.data['detail-type'] === 'Object Created'
  return [{ bucket: detail.bucket.name, key: detail.object.key, isWritten, time }]
}

function parseRecords({ Records }: z.output<typeof s3Message>): readonly Event[] | string {
  const events: Event[] = []
  for (const { eventName, eventTime, s3 } of Records) {
    const key = decodeKey(s3.object.key)
    if (key === undefined) return `the key ${JSON.stringify(s3.object.key.slice(0, 200))} is not encoded as S3 does`
    events.push({ bucket: s3.bucket.name, key, isWritten: eventName.startsWith('ObjectCreated:'), time: eventTime })
  }
  return events
}

/** Form-encoded: a space is `+`. AWS leaves `/` as it is, others write `%2F`. */
function decodeKey(key: string): string | undefined {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

function parseTime(text: string | undefined): number | undefined {
  const ms = Date.parse(text ?? '')
  return Number.isNaN(ms) ? undefined : ms
}
