// The ports of one life of a machine. Once revoked nothing comes back through them: promises never
// settle, timers and handlers never run, what is sent vanishes. A crashed program thus cannot act
// on, although its promises still exist in this process.
import { type Clock, completeClock } from '../../node/clock.ts'
import type { Gossip, GossipOptions } from '../../node/gossip.ts'
import type { Store } from '../../node/store.ts'
import type { FrameStream, Host, Network } from '../../node/transport.ts'

export class Life {
  #over = false

  get over(): boolean {
    return this.#over
  }

  end(): void {
    this.#over = true
  }

  /** Runs `work` while alive; its promise settles only while alive. */
  promise<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#over) return
      work().then(
        (value) => {
          if (!this.#over) resolve(value)
        },
        (error: unknown) => {
          if (!this.#over) reject(error)
        },
      )
    })
  }

  handler<Args extends readonly unknown[]>(run: (...args: Args) => void): (...args: Args) => void {
    return (...args) => {
      if (!this.#over) run(...args)
    }
  }
}

export function revocableClock(life: Life, clock: Clock): Clock {
  return completeClock({
    nowMs: () => clock.nowMs(),
    monotonicMs: () => clock.monotonicMs(),
    after: (ms, run) =>
      life.over ? { cancel: () => undefined } : clock.after(ms, life.handler(run)),
  })
}

export function revocableStore(life: Life, store: Store): Store {
  return {
    get: (keys) => life.promise(() => store.get(keys)),
    range: (query) => life.promise(() => store.range(query)),
    write: (batch) => life.promise(() => store.write(batch)),
    close: () => life.promise(() => store.close()),
  }
}

function revocableStream(life: Life, stream: FrameStream): FrameStream {
  return {
    remoteKey: stream.remoteKey,
    remoteAddress: stream.remoteAddress,
    get open() {
      return !life.over && stream.open
    },
    send: (frame) => !life.over && stream.send(frame),
    drained: (signal) => life.promise(() => stream.drained(signal)),
    pause: () => {
      if (!life.over) stream.pause()
    },
    resume: () => {
      if (!life.over) stream.resume()
    },
    onFrame: (handler) => stream.onFrame(life.handler(handler)),
    onClose: (handler) => stream.onClose(life.handler(handler)),
    close: () => life.promise(() => stream.close()),
    abort: (error) => {
      if (!life.over) stream.abort(error)
    },
  }
}

function revocableValidator(life: Life, options: GossipOptions): GossipOptions {
  return {
    clock: options.clock,
    validate: (message) => (life.over ? 'ignore' : options.validate(message)),
  }
}

function revocableGossip(life: Life, gossip: Gossip): Gossip {
  return {
    subscribe: (topic) => gossip.subscribe(topic),
    unsubscribe: (topic) => gossip.unsubscribe(topic),
    setPeers: (topic, transportKeys) => gossip.setPeers(topic, transportKeys),
    publish: (topic, data) => life.promise(() => gossip.publish(topic, data)),
    peersOf: (topic) => gossip.peersOf(topic),
    stop: () => life.promise(() => gossip.stop()),
  }
}

function revocableHost(life: Life, host: Host): Host {
  return {
    transportKey: host.transportKey,
    addresses: () => host.addresses(),
    dial: (address, protocol, options) =>
      life.promise(async () => revocableStream(life, await host.dial(address, protocol, options))),
    handle: (protocol, accept) =>
      life.promise(() =>
        host.handle(
          protocol,
          life.handler((stream) => accept(revocableStream(life, stream))),
        ),
      ),
    disconnect: (remoteKey) => life.promise(() => host.disconnect(remoteKey)),
    startGossip: (options) =>
      life.promise(async () =>
        revocableGossip(life, await host.startGossip(revocableValidator(life, options))),
      ),
    stop: () => life.promise(() => host.stop()),
  }
}

export function revocableNetwork(life: Life, network: Network): Network {
  return {
    createHost: (options) =>
      life.promise(async () => revocableHost(life, await network.createHost(options))),
  }
}
