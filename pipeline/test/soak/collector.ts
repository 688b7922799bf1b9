// Has another Node process collect its garbage, by the protocol of its inspector: what it holds after that it really needs.

/** The inspector of a process that was started with `--inspect`. */
export interface Collector {
  readonly collect: () => Promise<void>
  readonly close: () => void
}

/** Connects to `ws://…`, as the process tells it at its start. */
export async function openCollector(url: string): Promise<Collector> {
  const socket = new WebSocket(url)
  await new Promise((opened, failed) => {
    socket.addEventListener('open', opened)
    socket.addEventListener('error', failed)
  })
  let count = 0
  const ask = (method: string): Promise<void> =>
    new Promise((answered, failed) => {
      count += 1
      const id = count
      const onMessage = ({ data }: MessageEvent): void => {
        const answer = JSON.parse(String(data)) as { readonly id?: number; readonly error?: unknown }
        if (answer.id !== id) return
        socket.removeEventListener('message', onMessage)
        if (answer.error === undefined) answered()
        else failed(new Error(`${method}: ${JSON.stringify(answer.error)}`))
      }
      socket.addEventListener('message', onMessage)
      socket.send(JSON.stringify({ id, method }))
    })
  await ask('HeapProfiler.enable')
  return { collect: () => ask('HeapProfiler.collectGarbage'), close: () => socket.close() }
}
