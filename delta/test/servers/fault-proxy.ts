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
  /** Reaches the server so many milliseconds after the client has given up, or when something has come true: a zombie. */
  | { readonly arriveAfterMs: number }
  | { readonly arriveAfter: Promise<unknown> }

export interface ProxiedRequest {
  readonly method: string
  /** As it was sent, decoded. */
  readonly target: string
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

export interface FaultProxy {
  readonly endpoint: string
  /** All requests so far, oldest first. */
  readonly requests: readonly ProxiedRequest[]
  /** Waits until all zombies have arrived. */
  readonly arrived: () => Promise<void>
  readonly close: () => Promise<void>
}

interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

/** Opens a proxy before a server on the loopback. `choose` decides about each request; `onAnswer` hears what the server answers. */
export async function openFaultProxy(
  target: string,
  choose: (request: ProxiedRequest) => Fault | Promise<Fault> = () => 'pass',
  onAnswer: (request: ProxiedRequest, body: Buffer) => void = () => undefined,
): Promise<FaultProxy> {
  const requests: ProxiedRequest[] = []
  const late: Promise<unknown>[] = []
  const server = createServer(async (incoming, outgoing) => {
    const body = await buffer(incoming)
    const seen = {
      method: incoming.method ?? '',
      target: decodeURIComponent(incoming.url ?? ''),
      headers: incoming.headers,
      body,
    }
    requests.push(seen)
    const forward = async (): Promise<Answer> => {
      const answered = await ask(target, incoming, body)
      onAnswer(seen, answered.body)
      return answered
    }
    const fault = await choose(seen)
    const moment = momentOf(fault)
    if (moment !== undefined) {
      outgoing.destroy()
      late.push(moment.then(forward))
    } else await answer(outgoing, fault, forward).catch(() => outgoing.destroy())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const arrived = async (): Promise<void> => void (await Promise.allSettled(late))
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return {
    endpoint: `http://127.0.0.1:${port}`,
    requests,
    arrived,
    close: async () => {
      await arrived()
      server.close()
      server.closeAllConnections()
    },
  }
}

/** When a request arrives that its client has given up; undefined for one that is not late. */
function momentOf(fault: Fault): Promise<unknown> | undefined {
  if (typeof fault !== 'object') return undefined
  if ('arriveAfter' in fault) return fault.arriveAfter
  return 'arriveAfterMs' in fault ? sleep(fault.arriveAfterMs) : undefined
}

async function answer(outgoing: ServerResponse, fault: Fault, forward: () => Promise<Answer>): Promise<void> {
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
  if (typeof fault === 'object' && 'answerAfterMs' in fault) await sleep(fault.answerAfterMs)
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
