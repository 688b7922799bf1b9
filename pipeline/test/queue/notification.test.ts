import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseLandingPlace, parseNotification } from '../../src/queue/notification.ts'

const LANDING = { bucket: 'landing', prefix: 'lake/' }
const WRITTEN_MS = Date.parse('2026-03-01T10:15:03.120Z')

function example(name: string): string {
  return readFileSync(join(import.meta.dirname, `../dms-examples/events/${name}.json`), 'utf8')
}

/** What S3 sends for objects that were written. */
function s3Body(keys: readonly string[], encode: (key: string) => string = awsEncode): string {
  return JSON.stringify({
    Records: keys.map((key) => ({
      eventVersion: '2.1',
      eventName: 'ObjectCreated:Put',
      eventTime: '2026-03-01T10:15:03.120Z',
      s3: { bucket: { name: 'landing' }, object: { key: encode(key) } },
    })),
  })
}

function awsEncode(key: string): string {
  return encodeURIComponent(key).replaceAll('%20', '+').replaceAll('%2F', '/')
}

function slashEncode(key: string): string {
  return encodeURIComponent(key).replaceAll('%20', '+')
}

function snsBody(message: string): string {
  return JSON.stringify({ Type: 'Notification', MessageId: '1', Message: message })
}

describe('every shape of a notification names its keys', () => {
  test.each([
    ['s3-put', ['sales/customers/20260301-101502123.csv']],
    ['s3-put-v26', ['sales/customers/20260301-101502123.csv']],
    ['s3-put-versioned', ['sales/customers/LOAD00000001.csv']],
    ['s3-multipart', ['sales/customers/LOAD00000001.parquet']],
    ['s3-put-encoded-key', ['Sales Dept/café & bar/20260301-101502123.csv']],
    ['sns-wrapped', ['sales/customers/20260301-101502123.csv']],
  ])('%s', (name, keys) => {
    expect(parseNotification(example(name), LANDING)).toEqual({ kind: 'written', keys, writtenMs: WRITTEN_MS })
  })

  test('EventBridge gives the key as it is, with a plus that is a plus', () => {
    const [body, plus] = [example('eventbridge'), example('eventbridge').replace('Sales Dept', 'a+b%20c')]
    const writtenMs = Date.parse('2026-03-01T10:15:03Z')
    const keyIn = (folder: string): string => `${folder}/20260301-101502123.csv`
    expect(parseNotification(body, LANDING)).toEqual({ kind: 'written', keys: [keyIn('Sales Dept')], writtenMs })
    expect(parseNotification(plus, LANDING)).toEqual({ kind: 'written', keys: [keyIn('a+b%20c')], writtenMs })
  })

  test('MinIO writes s3: before the event and %2F into keys', () => {
    const body = s3Body(['lake/a/b/LOAD1.csv'], slashEncode).replace('ObjectCreated', 's3:ObjectCreated')
    expect(parseNotification(body, LANDING)).toMatchObject({ keys: ['a/b/LOAD1.csv'] })
  })

  test('two records of one object are one key', () => {
    const body = s3Body(['lake/s/t/a.csv', 'lake/s/t/b.csv', 'lake/s/t/a.csv'])
    expect(parseNotification(body, LANDING)).toMatchObject({ keys: ['s/t/a.csv', 's/t/b.csv'] })
  })
})

describe('what the landing need not know is nothing, with the reason', () => {
  test.each([
    ['the test when notifications are set up', example('s3-test-event'), 'a test of the notification'],
    ['no records', '{"Records":[]}', 'a test of the notification'],
    ['an object that was deleted', example('s3-removed'), 'no object was written'],
    [
      'an object that EventBridge saw deleted',
      example('eventbridge').replace('Object Created', 'Object Deleted'),
      'no object was written',
    ],
    ['another prefix', s3Body(['lakes/s/t/LOAD1.csv']), 'the objects are not in the landing'],
    ['the folder itself', s3Body(['lake/']), 'the objects are not in the landing'],
    [
      'another bucket',
      s3Body(['lake/s/t/LOAD1.csv']).replace('"landing"', '"other"'),
      'the objects are not in the landing',
    ],
  ])('%s', (_, body, why) => {
    expect(parseNotification(body, LANDING)).toEqual({ kind: 'nothing', why })
  })
})

describe('what is no notification is unreadable, with the reason', () => {
  test.each([
    ['hello', 'it is no JSON'],
    ['', 'it is no JSON'],
    ['null', 'it is no notification of S3'],
    ['{"Records":[{"eventSource":"aws:ses"}]}', 'it is no notification of S3'],
    [s3Body(['lake/a']).replace('2.1', '3.0'), 'it is no notification of S3'],
    [s3Body(['lake/100%'], String), 'the key "lake/100%" is not encoded as S3 does'],
    [snsBody(snsBody(snsBody(snsBody('{}')))), 'it has too many envelopes around it'],
    [snsBody('{'), 'it is no JSON'],
  ])('%s', (body, why) => {
    expect(parseNotification(body, LANDING)).toEqual({ kind: 'unreadable', why })
  })
})

test.each([
  ['s3://landing', { bucket: 'landing', prefix: '' }],
  ['s3://landing/', { bucket: 'landing', prefix: '' }],
  ['s3://landing/dms/out', { bucket: 'landing', prefix: 'dms/out/' }],
  ['/landing', undefined],
])('%s is a place that notifications can name, or none', (landing, place) => {
  expect(parseLandingPlace(landing)).toEqual(place)
})

const key = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 })

test('any keys come back as they were, however they were encoded and wrapped', () => {
  const encoding = fc.constantFrom(awsEncode, slashEncode)
  fc.assert(
    fc.property(fc.uniqueArray(key, { minLength: 1 }), encoding, fc.boolean(), (keys, encode, isWrapped) => {
      const body = s3Body(
        keys.map((name) => `lake/${name}`),
        encode,
      )
      expect(parseNotification(isWrapped ? snsBody(body) : body, LANDING)).toMatchObject({ kind: 'written', keys })
    }),
  )
})

test('no body makes the decoder fail, and a key outside of the landing never comes out', () => {
  const bodies = fc.oneof(
    fc.string(),
    fc.json(),
    fc.json().map(snsBody),
    fc.tuple(fc.nat(1200), fc.string({ maxLength: 3 })).map(([at, text]) => {
      const body = example('s3-put')
      return body.slice(0, at % body.length) + text + body.slice((at % body.length) + 1)
    }),
  )
  fc.assert(
    fc.property(bodies, (body) => {
      const read = parseNotification(body, LANDING)
      if (read.kind === 'written') expect(read.keys).not.toContain('')
      else expect(read.why).toMatch(/^[a-z]/)
    }),
    { numRuns: 2000 },
  )
})
