import { expect, test } from 'vitest'
import { parseQueueUrl, parseRedrive } from '../../src/queue/queue-url.ts'

test.each([
  ['https://sqs.eu-west-1.amazonaws.com/111122223333/landing', 'eu-west-1'],
  ['https://sqs.cn-north-1.amazonaws.com.cn/111122223333/landing.fifo', 'cn-north-1'],
  ['https://vpce-0a1b-2c3d.sqs.us-east-2.vpce.amazonaws.com/111122223333/landing', 'us-east-2'],
  ['http://127.0.0.1:9324/000000000000/landing', undefined],
])('%s is a queue', (url, region) => {
  expect(parseQueueUrl(url)).toEqual({ region })
})

test.each([
  'landing',
  'arn:aws:sqs:eu-west-1:111122223333:landing',
  'https://sqs.eu-west-1.amazonaws.com/landing',
  'https://sqs.eu-west-1.amazonaws.com/111122223333/land ing',
  'https://key:secret@sqs.eu-west-1.amazonaws.com/111122223333/landing',
  's3://bucket/111122223333/landing',
])('%s is none', (url) => {
  expect(parseQueueUrl(url)).toBeUndefined()
})

test('the dead-letter queue is found by the policy of its queue', () => {
  const policy = '{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:111122223333:dead","maxReceiveCount":"5"}'
  expect(parseRedrive(policy, 'https://sqs.eu-west-1.amazonaws.com/111122223333/landing')).toEqual({
    receivesMax: 5,
    deadUrl: 'https://sqs.eu-west-1.amazonaws.com/111122223333/dead',
  })
})
