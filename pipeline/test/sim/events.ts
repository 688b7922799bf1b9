// How S3 tells the queue, in all the shapes in which it may, and what else lies in a queue.
import type { Random } from '../support/random.ts'

/** The landing as the events name it. */
export const PLACE = { bucket: 'sim-bucket', prefix: 'landing/' } as const

/** A message body about objects that were written. */
export function eventBody(random: Random, keys: readonly string[], timeMs: number): string {
  // The part below a millisecond tells two events of one file apart.
  const eventTime = new Date(timeMs).toISOString().replace('Z', `${(timeMs % 1).toFixed(6).slice(2)}Z`)
  const [first = ''] = keys
  if (keys.length === 1 && random.chance(0.2)) {
    const detail = { bucket: { name: PLACE.bucket }, object: { key: `${PLACE.prefix}${first}` } }
    return JSON.stringify({ source: 'aws.s3', 'detail-type': 'Object Created', time: eventTime, detail })
  }
  const encode = random.chance(0.5) ? encodeURIComponent : (text: string) => text
  const Records = keys.map((key) => ({
    eventVersion: '2.1',
    eventTime,
    eventName: random.pick(['ObjectCreated:Put', 'ObjectCreated:CompleteMultipartUpload']),
    s3: { bucket: { name: PLACE.bucket }, object: { key: encode(`${PLACE.prefix}${key}`) } },
  }))
  const body = JSON.stringify({ Records })
  return random.chance(0.2) ? JSON.stringify({ Type: 'Notification', Message: body }) : body
}

/** A message body about an object that was deleted. */
export function removedBody(key: string, timeMs: number): string {
  const s3 = { bucket: { name: PLACE.bucket }, object: { key: `${PLACE.prefix}${key}` } }
  const eventTime = new Date(timeMs).toISOString()
  return JSON.stringify({ Records: [{ eventVersion: '2.1', eventTime, eventName: 'ObjectRemoved:Delete', s3 }] })
}

/** A message that no worker has anything to do for, or that none can read. */
export function junkBody(random: Random, number: number): string {
  const removed = {
    eventVersion: '2.1',
    eventName: 'ObjectRemoved:Delete',
    s3: { bucket: { name: PLACE.bucket }, object: { key: `${PLACE.prefix}dms/shop/t0/gone-${number}.csv` } },
  }
  return random.pick([
    JSON.stringify({ Service: 'Amazon S3', Event: 's3:TestEvent', number }),
    JSON.stringify({ Records: [removed] }),
    `no JSON at all ${number}`,
    JSON.stringify({ number }),
    JSON.stringify({ Records: [{ ...removed, eventName: 'ObjectCreated:Put', s3: { bucket: {}, object: {} } }] }),
  ])
}
