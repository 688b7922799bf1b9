// Stands between a client and a real server and loses, cuts, delays or repeats what passes. Signed bytes go through unchanged.

import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'

/** What becomes of one request. */
export type Fault =
  | 'pass'
  /** Never reaches the server. */
  | 'lose-request'
  /** The server did it, and the client hears nothing. */
  | 'lose-answer'
  /** The connection breaks in the middle of the body. */
  | 'cut-answer'
  /** The server gets it twice, the client hears the second answer: a proxy that repeats by itself. */
  | 'repeat'
  | { readonly status: number; readonly code: string }
  /** The server answers at once, and the client hears it so many milliseconds later. */
  | { readonly answerAfterMs: number }
  /** Reaches the server so many milliseconds after the client has given up: a zombie. */
  | { readonly arriveAfterMs: number }

export interface ProxiedRequest {
  readonly method: string
  /** As it was sent, decoded. */
  readonly target: string
  readonly headers: IncomingMessage['headers']
}

export interface FaultProxy {
  readonly endpoint: string
  /** All requests so far, oldest first. */
  readonly requests: readonly ProxiedRequest[]
  readonly close: () => Promise<void>
}

interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

/** Opens a proxy before a server on the loopback. `choose` decides about each request. */
export async function openFaultProxy(
  target: string,
  choose: (request: ProxiedRequest) => Fault = () => 'pass',
): Promise<FaultProxy> {
  const requests: ProxiedRequest[] = []
  const late: Promise<unknown>[] = []
  const server = createServer(async (incoming, outgoing) => {
    const seen = {
      method: incoming.method ?? '',
      target: decodeURIComponent(incoming.url ?? ''),
      headers: incoming.headers,
    }
    requests.push(seen)
    const body = await buffer(incoming)
    const forward = (): Promise<Answer> => ask(target, incoming, body)
    const fault = choose(seen)
    if (typeof fault === 'object' && 'arriveAfterMs' in fault) {
      outgoing.destroy()
      late.push(sleep(fault.arriveAfterMs).then(forward))
    } else await answer(outgoing, fault, forward).catch(() => outgoing.destroy())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return {
    endpoint: `http://127.0.0.1:${port}`,
    requests,
    close: async () => {
      await Promise.allSettled(late)
      server.close()
      server.closeAllConnections()
    },
  }
}

async function answer(
  outgoing: ServerResponse,
  fault: Exclude<Fault, { readonly arriveAfterMs: number }>,
  forward: () => Promise<Answer>,
): Promise<void> {
  if (fault === 'lose-request') {
    outgoing.destroy()
    return
  }
  if (typeof fault === 'object' && 'status' in fault) {
    outgoing.writeHead(fault.status, { 'content-type': 'application/xml' })
    outgoing.end(
      fault.status < 300 ? '' : `<Error><Code>${fault.code}</Code><Message>a test did this</Message></Error>`,
    )
    return
  }
  if (fault === 'repeat') await forward()
  const { status, headers, body } = await forward()
  if (typeof fault === 'object') await sleep(fault.answerAfterMs)
  if (fault === 'lose-answer') {
    outgoing.destroy()
    return
  }
  outgoing.writeHead(status, headers)
  if (fault !== 'cut-answer') outgoing.end(body)
  else outgoing.write(body.subarray(0, body.length >> 1), () => outgoing.destroy())
}

async function ask(target: string, incoming: IncomingMessage, body: Buffer): Promise<Answer> {
  const { hostname, port } = new URL(target)
  const { method, url: path, headers } = incoming
  const passed = httpRequest({ hostname, port, method, path, headers })
  passed.end(body)
  const [response]: IncomingMessage[] = await once(passed, 'response')
  if (response === undefined) throw new Error('no answer')
  return { status: response.statusCode ?? 500, headers: response.headers, body: await buffer(response) }
}
