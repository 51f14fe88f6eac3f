// What libp2p does not tell about listening: which address was taken (it says so in the text of an
// error only), which addresses were bound (without announcing them), and sockets that never speak
// (its WebSocket listener waits for their first byte for ever, and its close waits for them).
import { Server, type Socket } from 'node:net'
import type { Listener, Transport } from '@libp2p/interface'

export interface ListenFailure {
  readonly address: string
  readonly cause: unknown
}

export class Listeners {
  readonly failures: ListenFailure[] = []
  readonly #firstByteTimeoutMs: number
  readonly #listeners: Listener[] = []
  readonly #sockets = new Set<Socket>()

  constructor(firstByteTimeoutMs: number) {
    this.#firstByteTimeoutMs = firstByteTimeoutMs
  }

  /** Wraps a libp2p transport factory so that its listeners are watched. */
  watch<Components>(
    factory: (components: Components) => Transport,
  ): (components: Components) => Transport {
    return (components) => {
      const transport = factory(components)
      const createListener = transport.createListener.bind(transport)
      transport.createListener = (options) => this.#watchListener(createListener(options))
      return transport
    }
  }

  #watchListener(listener: Listener): Listener {
    const listen = listener.listen.bind(listener)
    listener.listen = async (address) => {
      try {
        await listen(address)
        this.#listeners.push(listener)
      } catch (cause) {
        this.failures.push({ address: address.toString(), cause })
        throw cause
      }
    }
    if ('server' in listener && listener.server instanceof Server) {
      listener.server.on('connection', (socket: Socket) => this.#watchSocket(socket))
    }
    return listener
  }

  #watchSocket(socket: Socket): void {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    const expire = (): void => {
      socket.destroy()
    }
    // TCP connections have set a timeout of their own already; a WebSocket clears it once it is one.
    if (socket.timeout === undefined || socket.timeout === 0) {
      socket.setTimeout(this.#firstByteTimeoutMs)
      socket.once('timeout', expire)
    }
  }

  /** Bound addresses as multiaddr text, wildcards expanded to this machine's addresses. */
  addresses(): readonly string[] {
    return this.#listeners.flatMap((listener) =>
      listener.getAddrs().map((address) => address.toString()),
    )
  }

  /** Ends sockets that are in no connection yet: they would hold up closing. */
  destroyWaiting(): void {
    for (const socket of this.#sockets) {
      if (socket.timeout === this.#firstByteTimeoutMs) socket.destroy()
    }
  }
}
