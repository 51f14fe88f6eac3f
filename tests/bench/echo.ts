// What the message paths are measured beside: an echo over bare libp2p with our framing, the same
// over a bare TCP socket, and a store of opaque frames between the two.
import { type AddressInfo, type Socket, connect, createServer } from 'node:net'
import { once } from 'node:events'
import { FrameDecoder, encodeFrames } from '../../node/net/frame-decoder.ts'
import { libp2pNetwork } from '../../node/net/libp2p-host.ts'
import { joinPeerAddress } from '../../node/net/peer-id.ts'
import { pooledRandom } from '../../node/random.ts'
import type { Store, StoreWrite } from '../../node/store.ts'
import type { FrameStream } from '../../node/transport.ts'

const MAX_FRAME_BYTES = 65_536
const LOOPBACK = '/ip4/127.0.0.1/tcp/0'

/** Sends a frame and resolves with the answer to it; answers come in the order of the frames. */
export interface Line {
  readonly ask: (frame: Uint8Array) => Promise<void>
  readonly close: () => Promise<void>
}

type Serve = (frame: Uint8Array, answer: (frame: Uint8Array) => void) => void

const echo: Serve = (frame, answer) => answer(frame)

/** A line over libp2p: TCP, Noise, yamux, one long-lived stream. */
export async function libp2pLine(serve: Serve = echo): Promise<Line> {
  const protocol = { id: '/sotto-bench/echo/1', maxFrameBytes: MAX_FRAME_BYTES }
  const host = (listen: readonly string[]) =>
    libp2pNetwork.createHost({ seed: pooledRandom(32), listen, role: 'home' })
  const server = await host([LOOPBACK])
  const client = await host([])
  await server.handle(protocol, (stream: FrameStream) =>
    stream.onFrame((frame) => serve(frame, (reply) => void stream.send(reply))),
  )
  const [address = ''] = server.addresses()
  const stream = await client.dial(joinPeerAddress(address, server.transportKey), protocol)
  const waiting: (() => void)[] = []
  stream.onFrame(() => waiting.shift()?.())
  return {
    ask: (frame) =>
      new Promise((resolve) => {
        waiting.push(resolve)
        stream.send(frame)
      }),
    close: async () => {
      await stream.close()
      await client.stop()
      await server.stop()
    },
  }
}

function onFrames(socket: Socket, handle: (frame: Uint8Array) => void): void {
  const decoder = new FrameDecoder(MAX_FRAME_BYTES)
  socket.setNoDelay(true)
  socket.on('data', (chunk: Buffer) => {
    decoder.push(chunk)
    for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) handle(frame)
  })
}

/** The same over a bare socket: what the machine can do at most. */
export async function tcpLine(): Promise<Line> {
  const server = createServer((socket) =>
    onFrames(socket, (frame) => void socket.write(encodeFrames([frame]))),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const waiting: (() => void)[] = []
  onFrames(socket, () => waiting.shift()?.())
  return {
    ask: (frame) =>
      new Promise((resolve) => {
        waiting.push(resolve)
        socket.write(encodeFrames([frame]))
      }),
    close: async () => {
      socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Stores every frame, and acknowledges it once it is on the disk; what waits shares a write. */
export function storing(store: Store): Serve {
  const acknowledgement = Uint8Array.of(1)
  let queue: { readonly write: StoreWrite; readonly done: () => void }[] = []
  let writing = false
  let next = 0
  const flush = async (): Promise<void> => {
    writing = true
    while (queue.length > 0) {
      const batch = queue
      queue = []
      await store.write(batch.map(({ write }) => write))
      for (const { done } of batch) done()
    }
    writing = false
  }
  return (frame, answer) => {
    const key = new Uint8Array(8)
    new DataView(key.buffer).setUint32(4, next++)
    queue.push({ write: { key, value: frame }, done: () => answer(acknowledgement) })
    if (!writing) void flush()
  }
}
