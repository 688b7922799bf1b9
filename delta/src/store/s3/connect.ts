// Where requests go (environment, profile, region, style of the URL) and who we are (keys, profile, role of the machine) is the AWS SDK's
// business. DuckDB gets the answers, not rules of its own: otherwise the log could be on one server and the data on another.

import type * as Sdk from '@aws-sdk/client-s3'
import { s3CredentialsMissing, s3RegionMissing, s3SdkMissing } from '../../errors.ts'
import type { StoreAccess } from '../store.ts'

/** How to reach a bucket; whatever is left out comes by the AWS chain: environment, profile, role of the machine. */
export interface S3Options {
  /** A server other than AWS, such as `http://127.0.0.1:9000`. The environment's name for it is `AWS_ENDPOINT_URL`. */
  readonly endpoint?: string
  readonly region?: string
  /** The bucket in the path and not in the host's name; that is how servers other than AWS are asked unless this says false. */
  readonly pathStyle?: boolean
  readonly credentials?: {
    readonly accessKeyId: string
    readonly secretAccessKey: string
    readonly sessionToken?: string
  }
  /** After so many milliseconds without an answer a request counts as lost; a minute unless set. */
  readonly requestTimeoutMs?: number
  /** Told of each request, repeated ones too. DuckDB's own are not among them. */
  readonly onRequest?: (request: S3Request) => void
}

/** One request on its way. */
export interface S3Request {
  readonly method: string
  /** Path and query as they are sent; they hold no signature. */
  readonly target: string
}

/** A bucket that can be asked. */
export interface S3Connection {
  readonly sdk: typeof Sdk
  readonly bucket: string
  /** Repeats what failed for the moment. */
  readonly client: Sdk.S3Client
  /** Sends once: a PUT that is repeated behind our back meets itself and looks like a lost race. */
  readonly once: Sdk.S3Client
  /** AWS itself: lists in order, and is known to honour `If-None-Match`. */
  readonly isAws: boolean
  readonly access: () => Promise<StoreAccess>
}

const REQUEST_TIMEOUT_MS = 60_000
const CONNECTION_TIMEOUT_MS = 5_000
const SOCKETS_MAX = 64

/** Prepare to ask a bucket; nothing is sent yet. Throws `S3_SDK_MISSING`, `S3_REGION_MISSING`. */
export async function connectS3(bucket: string, options: S3Options): Promise<S3Connection> {
  const sdk = await loadSdk()
  const chosen = clientConfig(options)
  const target = await findTarget(sdk, bucket, chosen)
  const config = { ...chosen, forcePathStyle: options.pathStyle ?? target.isPathStyle }
  const client = new sdk.S3Client(config)
  const once = new sdk.S3Client({
    ...config,
    credentials: client.config.credentials,
    requestHandler: client.config.requestHandler,
    maxAttempts: 1,
  })
  for (const each of [client, once]) watch(each, options.onRequest)
  return {
    sdk,
    bucket,
    client,
    once,
    isAws: target.isAws,
    access: async () => {
      const keys = await client.config.credentials().catch(() => {
        // The cause is left out: providers quote what they were given.
        throw s3CredentialsMissing(bucket)
      })
      return {
        scope: `s3://${bucket}/`,
        host: target.host,
        usesTls: target.usesTls,
        isPathStyle: config.forcePathStyle,
        region: await client.config.region(),
        keyId: keys.accessKeyId,
        secret: keys.secretAccessKey,
        sessionToken: keys.sessionToken,
      }
    },
  }
}

async function loadSdk(): Promise<typeof Sdk> {
  try {
    return await import('@aws-sdk/client-s3')
  } catch (cause) {
    throw s3SdkMissing(cause)
  }
}

function clientConfig({ endpoint, region, credentials, requestTimeoutMs }: S3Options): Sdk.S3ClientConfig {
  const { AWS_REGION, AWS_DEFAULT_REGION, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL } = process.env
  const isElsewhere = (endpoint ?? AWS_ENDPOINT_URL_S3 ?? AWS_ENDPOINT_URL) !== undefined
  // The SDK for JavaScript does not know AWS_DEFAULT_REGION, which all others do; servers other than AWS do not care.
  const known = region ?? AWS_REGION ?? AWS_DEFAULT_REGION ?? (isElsewhere ? 'us-east-1' : undefined)
  return {
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(known === undefined ? {} : { region: known }),
    ...(credentials === undefined ? {} : { credentials }),
    requestHandler: {
      requestTimeout: requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
      // Without this the SDK only warns.
      throwOnRequestTimeout: true,
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      httpAgent: { maxSockets: SOCKETS_MAX },
      httpsAgent: { maxSockets: SOCKETS_MAX },
    },
  }
}

interface Target {
  readonly host: string
  readonly usesTls: boolean
  readonly isAws: boolean
  readonly isPathStyle: boolean
}

/** Has the SDK prepare a request for the bucket, and looks at where it would go. Nothing is signed or sent. */
async function findTarget(sdk: typeof Sdk, bucket: string, config: Sdk.S3ClientConfig): Promise<Target> {
  // It asks for credentials first, which may take seconds or fail; here nobody needs them.
  const client = new sdk.S3Client({ ...config, credentials: { accessKeyId: 'nobody', secretAccessKey: 'nobody' } })
  let prepared: PreparedRequest | undefined
  client.middlewareStack.add(
    () => (args) => {
      prepared = parsePrepared(args.request)
      return Promise.reject(new Error('only prepared'))
    },
    { step: 'build', priority: 'low', name: 'findTarget' },
  )
  let failure: unknown
  await client.send(new sdk.HeadBucketCommand({ Bucket: bucket })).catch((error: unknown) => {
    failure = error
  })
  client.destroy()
  if (prepared === undefined) {
    if (failure instanceof Error && /region/i.test(failure.message)) throw s3RegionMissing(bucket)
    throw failure
  }
  const { hostname, port, protocol, path } = prepared
  const isInPath = path.startsWith(`/${bucket}`)
  const isAws = /\.amazonaws\.com(\.cn)?$/.test(hostname)
  const name = isInPath ? hostname : hostname.slice(bucket.length + 1)
  return {
    host: port === undefined ? name : `${name}:${port}`,
    usesTls: protocol === 'https:',
    isAws,
    isPathStyle: isInPath || !isAws,
  }
}

interface PreparedRequest {
  readonly hostname: string
  readonly port: number | undefined
  readonly protocol: string
  readonly path: string
  readonly method: string
  readonly query: Readonly<Record<string, unknown>>
}

// The SDK's types leave a request open: other protocols than HTTP are possible.
function parsePrepared(request: unknown): PreparedRequest {
  return request as PreparedRequest
}

function watch({ middlewareStack }: Sdk.S3Client, onRequest: S3Options['onRequest']): void {
  if (onRequest === undefined) return
  middlewareStack.add(
    (next) => (args) => {
      const { method, path, query } = parsePrepared(args.request)
      const names = Object.entries(query).map(([name, value]) => `${name}=${String(value)}`)
      onRequest({ method, target: `${decodeURIComponent(path)}${names.length === 0 ? '' : `?${names.join('&')}`}` })
      return next(args)
    },
    { step: 'deserialize', priority: 'low', name: 'watch' },
  )
}
