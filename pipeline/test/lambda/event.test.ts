import { TributaryError } from '@tributary/delta'
import { expect, test } from 'vitest'
import { parseFunctionEvent } from '../../src/lambda/event.ts'

test('a batch of SQS gives its messages, with their receives', () => {
  const attributes = { ApproximateReceiveCount: '3', SentTimestamp: '1772359200000', SenderId: 'x' }
  const record = {
    messageId: 'a',
    receiptHandle: 'r',
    body: '{}',
    attributes,
    eventSource: 'aws:sqs',
    awsRegion: 'eu-west-1',
  }
  expect(parseFunctionEvent({ Records: [record] })).toEqual({
    kind: 'messages',
    messages: [{ id: 'a', receipt: 'r', body: '{}', receives: 3, sentMs: 1_772_359_200_000 }],
  })
})

test('a timer of either kind asks for a look at everything', () => {
  const rule = { source: 'aws.events', 'detail-type': 'Scheduled Event', detail: {} }
  expect(parseFunctionEvent(rule)).toEqual({ kind: 'sweep' })
  expect(parseFunctionEvent({ source: 'aws.scheduler' })).toEqual({ kind: 'sweep' })
})

test.each([
  [undefined],
  [{}],
  [{ Records: [{ eventSource: 'aws:s3', s3: {} }] }],
  [{ Records: [{ messageId: '', eventSource: 'aws:sqs' }] }],
])('%j is refused', (event) => {
  expect(() => parseFunctionEvent(event)).toThrow(TributaryError)
})
