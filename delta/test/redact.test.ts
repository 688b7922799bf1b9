import { expect, test } from 'vitest'
import { TributaryError } from '../src/errors.ts'
import { redact } from '../src/redact.ts'

const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJlMTIzNDU2'

test.each([
  ['an access key', 'The key AKIAIOSFODNN7EXAMPLE is not known', 'The key [redacted] is not known'],
  ['a temporary key', 'ASIAIOSFODNN7EXAMPLE', '[redacted]'],
  [
    'a presigned URL',
    'GET https://b.s3.amazonaws.com/k?X-Amz-Credential=AB%2F2026&X-Amz-Signature=0a1b2c&x=1 failed',
    'GET https://b.s3.amazonaws.com/k?X-Amz-Credential=[redacted]&X-Amz-Signature=[redacted]&x=1 failed',
  ],
  [
    'the header of a signed request',
    'AWS4-HMAC-SHA256 Credential=AB/2026/s3, SignedHeaders=host, Signature=0a1b2c',
    'AWS4-HMAC-SHA256 Credential=[redacted], SignedHeaders=host, Signature=[redacted]',
  ],
  ['a profile', 'aws_secret_access_key = wJalr/XUtn+FEMI', 'aws_secret_access_key = [redacted]'],
  ['JSON', '{"secretAccessKey":"wJalr","region":"x"}', '{"secretAccessKey":[redacted],"region":"x"}'],
  [
    'a secret of DuckDB',
    "CREATE SECRET s (KEY_ID 'A', SECRET 'wJalr', REGION 'x')",
    "CREATE SECRET s (KEY_ID 'A', SECRET [redacted], REGION 'x')",
  ],
  ['a URL with a password', 'postgres://ada:pa55@db.local/shop', 'postgres://[redacted]@db.local/shop'],
  ['a web token', `Bearer ${JWT}.`, 'Bearer [redacted].'],
])('%s is taken out', (_, text, shown) => {
  expect(redact(text, {})).toBe(shown)
})

test('what the environment holds as a secret is taken out wherever it stands', () => {
  const environment = { AWS_SECRET_ACCESS_KEY: 'plain$words/here+', AWS_SESSION_TOKEN: 'short' }
  expect(redact('a plain$words/here+b short', environment)).toBe('a [redacted]b short')
})

test.each([
  'There is no file s3://landing/dms/secret/orders/LOAD00000001.csv: it was deleted.',
  'shop.orders v12 UPSERT 1 file +4 ~3 -0',
  'the password column has no secret type',
  'write to ada@example.com, see https://example.com/a@b',
  'AKIA is no key',
])('what only looks alike stays: %s', (text) => {
  expect(redact(text, {})).toBe(text)
})

test('an error holds no secret, whoever made its message', () => {
  const error = new TributaryError('unavailable', 'X', 'GET http://u:p@host/k?X-Amz-Signature=abc. Try again.')
  expect(error.message).toBe('GET http://[redacted]@host/k?X-Amz-Signature=[redacted] Try again.')
})
