// A host that notes every frame which passes through the streams it accepts: what the program behind
// it sees of its clients, no more and no less.
import type { FrameStream, Host } from '../../node/transport.ts'

export interface RecordedFrame {
  readonly from: 'client' | 'relay'
  readonly bytes: Uint8Array
}

/** One accepted stream, with what the listener is told of the other side. */
export interface RecordedStream {
  readonly remoteKey: Uint8Array
  readonly remoteAddress: string
  readonly frames: RecordedFrame[]
}

export class Recorder {
  readonly streams: RecordedStream[] = []

  /** The host with every stream that it accepts under record. */
  readonly host = (host: Host): Host => ({
    transportKey: host.transportKey,
    addresses: () => host.addresses(),
    dial: (address, protocol, options) => host.dial(address, protocol, options),
    handle: (protocol, accept) => host.handle(protocol, (stream) => accept(this.#record(stream))),
    disconnect: (remoteKey) => host.disconnect(remoteKey),
    startGossip: (options) => host.startGossip(options),
    stop: () => host.stop(),
  })

  #record(stream: FrameStream): FrameStream {
    const { remoteKey, remoteAddress } = stream
    const recorded: RecordedStream = { remoteKey, remoteAddress, frames: [] }
    this.streams.push(recorded)
    const note = (from: RecordedFrame['from'], bytes: Uint8Array): void => {
      recorded.frames.push({ from, bytes: bytes.slice() })
    }
    return {
      remoteKey,
      remoteAddress,
      get open() {
        return stream.open
      },
      send: (frame) => {
        note('relay', frame)
        return stream.send(frame)
      },
      drained: (signal) => stream.drained(signal),
      pause: () => stream.pause(),
      resume: () => stream.resume(),
      onFrame: (handler) =>
        stream.onFrame((frame) => {
          note('client', frame)
          handler(frame)
        }),
      onClose: (handler) => stream.onClose(handler),
      close: () => stream.close(),
      abort: (error) => stream.abort(error),
    }
  }
}
