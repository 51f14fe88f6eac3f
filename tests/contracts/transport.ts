// What every Network must do. A new transport passes this suite, or it is none.
import { randomBytes } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import type { Bytes32 } from '../../crypto/index.ts'
import { systemClock } from '../../node/clock.ts'
import { bytes, record } from './recorder.ts'
import type { FrameStream, Host, HostOptions, Network, ProtocolSpec } from '../../node/transport.ts'

const ECHO: ProtocolSpec = { id: '/sotto/contract/1', maxFrameBytes: 64 * 1024 }
const OTHER: ProtocolSpec = { id: '/sotto/contract-other/1', maxFrameBytes: 1024 * 1024 }
/** More than any buffer between two hosts holds. */
const FLOOD_BYTES = 12 * 1024 * 1024

export interface TransportSetup {
  readonly network: Network
  /** An address with a port the network chooses. */
  readonly listen: string
  /** An address where nobody listens. */
  readonly nobody: string
  /** Lets the network work until the promise settles (a virtual clock must be driven). */
  readonly settle?: <T>(promise: Promise<T>) => Promise<T>
  /** Runs something a little later, by the same clock. */
  readonly later?: (run: () => void) => void
}

async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'no error',
    (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
  )
}

/** Registers the suite under `title`. */
export function transportContract(title: string, setup: () => TransportSetup): void {
  describe(`transport contract: ${title}`, () => {
    const hosts: Host[] = []
    const { network, listen, nobody, settle = (promise) => promise, later = setImmediate } = setup()

    async function host(
      role: HostOptions['role'] = 'relay',
      addresses: readonly string[] = [listen],
    ): Promise<Host> {
      const seed = new Uint8Array(randomBytes(32))
      const created = await settle(network.createHost({ seed, listen: addresses, role }))
      hosts.push(created)
      return created
    }

    function address(of: Host): string {
      const first = of.addresses()[0]
      if (first === undefined) throw new Error('this host does not listen')
      return first
    }

    interface Pair {
      readonly server: Host
      readonly client: Host
      readonly near: FrameStream
      readonly far: FrameStream
    }

    async function pair(protocol: ProtocolSpec = ECHO): Promise<Pair> {
      const server = await host()
      const client = await host('courier', [])
      const accepted = new Promise<FrameStream>((resolve) => {
        void server.handle(protocol, resolve)
      })
      const near = await settle(client.dial(address(server), protocol))
      return { server, client, near, far: await settle(accepted) }
    }

    afterEach(async () => {
      for (const each of hosts.splice(0).reverse()) await settle(each.stop())
    })

    test('opens a stream, names both keys, and carries frames both ways in order', async () => {
      const { server, client, near, far } = await pair()
      expect(near.remoteKey).toEqual(server.transportKey)
      expect(far.remoteKey).toEqual(client.transportKey)
      expect(far.remoteAddress).toMatch(/^\d+\.\d+\.\d+\.\d+$/)
      expect(near.open && far.open).toBe(true)
      const [a, b] = [record(near), record(far)]
      for (let i = 0; i < 50; i++) {
        near.send(bytes(i + 1, i))
        far.send(bytes(2 * i + 1, 255 - i))
      }
      await settle(Promise.all([a.received(50), b.received(50)]))
      expect(b.frames).toEqual(Array.from({ length: 50 }, (_, i) => bytes(i + 1, i)))
      expect(a.frames).toEqual(Array.from({ length: 50 }, (_, i) => bytes(2 * i + 1, 255 - i)))
    })

    test('carries every size from one byte to the maximum', async () => {
      const { near, far } = await pair()
      const sizes = [1, 2, 3, 4, 5, 255, 256, 1024, 4091, 4096, 16_384, 65_515, 65_535, 65_536]
      const b = record(far)
      for (const size of sizes) {
        if (!near.send(bytes(size))) await settle(near.drained())
      }
      await settle(b.received(sizes.length))
      expect(b.frames.map((frame) => frame.length)).toEqual(sizes)
      expect(b.frames.every((frame, i) => frame.every((byte) => byte === (sizes[i]! & 255)))).toBe(
        true,
      )
    })

    test('refuses to send an empty frame or one above the maximum', async () => {
      const { near } = await pair()
      expect(() => near.send(bytes(0))).toThrow(expect.objectContaining({ code: 'FRAME_LENGTH' }))
      expect(() => near.send(bytes(ECHO.maxFrameBytes + 1))).toThrow(
        expect.objectContaining({ code: 'FRAME_LENGTH' }),
      )
      expect(near.open).toBe(true)
    })

    test('drops a stream whose remote sends a frame above the maximum', async () => {
      const server = await host()
      const client = await host('courier', [])
      const accepted = new Promise<FrameStream>((resolve) => {
        void server.handle(ECHO, resolve)
      })
      const near = await settle(client.dial(address(server), { ...ECHO, maxFrameBytes: 1e6 }))
      const far = record(await settle(accepted))
      const { closed } = record(near)
      near.send(bytes(10))
      near.send(bytes(ECHO.maxFrameBytes + 1))
      expect(await settle(far.closed)).toMatchObject({ code: 'FRAME_LENGTH' })
      expect(await settle(closed)).toBeInstanceOf(Error)
      expect(far.frames).toHaveLength(1)
    })

    test('keeps frames that came before the handler, and delivers them in order', async () => {
      const { near, far } = await pair()
      for (let i = 0; i < 10; i++) near.send(bytes(100, i))
      const back = record(near)
      far.send(bytes(1))
      await settle(back.received(1))
      const b = record(far)
      await settle(b.received(10))
      expect(b.frames.map((frame) => frame[0])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    })

    test('flushes on close, and the other side sees an orderly end', async () => {
      const { near, far } = await pair()
      const b = record(far)
      for (let i = 0; i < 200; i++) near.send(bytes(1000, i))
      await settle(near.close())
      expect(near.open).toBe(false)
      expect(near.send(bytes(1))).toBe(false)
      expect(await settle(b.closed)).toBeUndefined()
      expect(b.frames).toHaveLength(200)
      expect(far.open).toBe(false)
    })

    test('frames and the end that came before the handler are not lost', async () => {
      const { near, far } = await pair()
      for (let i = 0; i < 20; i++) near.send(bytes(5000, i))
      await settle(near.close())
      await settle(new Promise<void>((resolve) => later(resolve)))
      const b = record(far)
      expect(await settle(b.closed)).toBeUndefined()
      expect(b.frames.map((frame) => frame[0])).toEqual(Array.from({ length: 20 }, (_, i) => i))
    })

    test('an abort reaches the other side as an error, and is reported once on both', async () => {
      const { near, far } = await pair()
      const [a, b] = [record(near), record(far)]
      const reason = new Error('enough')
      near.abort(reason)
      near.abort(new Error('again'))
      expect(await settle(a.closed)).toBe(reason)
      expect(await settle(b.closed)).toMatchObject({ code: 'STREAM_RESET' })
      let late: Error | undefined
      near.onClose((error) => {
        late = error
      })
      expect(late).toBe(reason)
    })

    test('the end of a stream is told to every handler that was added', async () => {
      const { near } = await pair()
      const told: string[] = []
      near.onClose(() => told.push('first'))
      near.onClose(() => told.push('second'))
      near.abort(new Error('enough'))
      expect(told).toEqual(['first', 'second'])
    })

    test('an exception in a frame handler ends that stream alone', async () => {
      const { client, server, near, far } = await pair()
      const closed = new Promise((resolve) => far.onClose(resolve))
      far.onFrame(() => {
        throw new Error('handler failed')
      })
      near.send(bytes(1))
      expect(await settle(closed)).toMatchObject({ message: 'handler failed' })
      await server.handle(OTHER, () => undefined)
      const again = await settle(client.dial(address(server), OTHER))
      expect(again.open).toBe(true)
    })

    test('a paused receiver stops the sender, and nothing is lost', async () => {
      const { near, far } = await pair()
      const b = record(far)
      far.pause()
      const frame = bytes(ECHO.maxFrameBytes, 7)
      let sent = 0
      while (near.send(frame)) {
        sent += 1
        await new Promise(setImmediate)
        expect(sent * frame.length).toBeLessThan(FLOOD_BYTES)
      }
      sent += 1
      expect(b.frames).toHaveLength(0)
      far.resume()
      await settle(near.drained())
      await settle(b.received(sent))
      expect(b.frames).toHaveLength(sent)
      expect(b.frames.every((each) => each.length === frame.length && each[9] === 7)).toBe(true)
    })

    test('a handler that pauses at every frame gets each frame once, in order', async () => {
      const { near, far } = await pair()
      const seen: number[] = []
      const done = new Promise<void>((resolve) => {
        far.onFrame((frame) => {
          seen.push((frame[0] ?? 0) * 256 + (frame[1] ?? 0))
          far.pause()
          later(() => far.resume())
          if (seen.length === 400) resolve()
        })
      })
      for (let i = 0; i < 400; i++) {
        const frame = new Uint8Array(3000)
        frame.set([i >> 8, i & 255])
        if (!near.send(frame)) await settle(near.drained())
      }
      await settle(done)
      expect(seen).toEqual(Array.from({ length: 400 }, (_, i) => i))
    })

    test('waits for every drain, not for the first one only', async () => {
      const { near, far } = await pair()
      const b = record(far)
      const frame = bytes(ECHO.maxFrameBytes)
      const count = Math.ceil(FLOOD_BYTES / frame.length)
      let waits = 0
      const flood = (async (): Promise<void> => {
        for (let i = 0; i < count; i++) {
          if (near.send(frame)) continue
          waits += 1
          await near.drained()
        }
      })()
      await settle(Promise.all([flood, b.received(count)]))
      expect(waits).toBeGreaterThan(10)
      expect(near.open).toBe(true)
    })

    test('drops the stream of a sender that ignores send() === false', async () => {
      const { near, far } = await pair()
      const a = record(near)
      far.pause()
      for (let i = 0; i < FLOOD_BYTES / ECHO.maxFrameBytes && near.open; i++) {
        near.send(bytes(ECHO.maxFrameBytes))
      }
      expect(await settle(a.closed)).toBeInstanceOf(Error)
    })

    test('drained rejects when the stream closes, and with the signal', async () => {
      const { near, far } = await pair()
      far.pause()
      while (near.send(bytes(ECHO.maxFrameBytes))) await new Promise(setImmediate)
      const controller = new AbortController()
      const aborted = near.drained(controller.signal)
      const waiting = near.drained()
      controller.abort(new Error('no longer'))
      await expect(aborted).rejects.toThrow('no longer')
      far.abort(new Error('gone'))
      expect(await settle(codeOf(waiting))).toBe('STREAM_CLOSED')
      expect(await codeOf(near.drained())).toBe('STREAM_CLOSED')
    })

    test('refuses a host with another key than expected', async () => {
      const server = await host()
      const client = await host('courier', [])
      let accepted = 0
      await server.handle(ECHO, () => {
        accepted += 1
      })
      const expectedKey: Bytes32 = (await host('courier', [])).transportKey
      const dial = client.dial(address(server), ECHO, { expectedKey })
      expect(await settle(codeOf(dial))).toBe('WRONG_PEER')
      expect(accepted).toBe(0)
      const right = client.dial(address(server), ECHO, { expectedKey: server.transportKey })
      expect((await settle(right)).open).toBe(true)
    })

    test('a dial to nobody fails, and within its signal', async () => {
      const client = await host('courier', [])
      const signal = systemClock.timeout(5000)
      const code = await settle(codeOf(client.dial(nobody, ECHO, { signal })))
      expect(['UNREACHABLE', 'TIMEOUT']).toContain(code)
      const controller = new AbortController()
      controller.abort(new Error('not now'))
      await expect(client.dial(nobody, ECHO, { signal: controller.signal })).rejects.toThrow(
        'not now',
      )
    })

    test('a protocol the host does not speak fails the dial', async () => {
      const server = await host()
      const client = await host('courier', [])
      const dial = client.dial(address(server), ECHO)
      expect(await settle(codeOf(dial))).toBe('PROTOCOL_UNSUPPORTED')
    })

    test('text that is no address fails as such', async () => {
      const client = await host('courier', [])
      for (const text of ['', 'nonsense', '/ip4/300.0.0.1/tcp/1', '/ip4/127.0.0.1/tcp/1/p2p/abc']) {
        expect(await settle(codeOf(client.dial(text, ECHO)))).toBe('ADDRESS_INVALID')
      }
    })

    test('carries a burst of 1,000 frames of one tick', async () => {
      const { near, far } = await pair()
      const b = record(far)
      for (let i = 0; i < 1000; i++) near.send(bytes(120, i & 255))
      await settle(b.received(1000))
      expect(b.frames.every((frame, i) => frame.length === 120 && frame[0] === (i & 255))).toBe(
        true,
      )
    })

    test('carries two protocols over one connection', async () => {
      const { server, client, near } = await pair()
      const accepted = new Promise<FrameStream>((resolve) => {
        void server.handle(OTHER, resolve)
      })
      const second = await settle(
        client.dial(address(server), OTHER, { expectedKey: server.transportKey }),
      )
      const far = record(await settle(accepted))
      second.send(bytes(OTHER.maxFrameBytes, 3))
      await settle(far.received(1))
      expect(far.frames[0]).toHaveLength(OTHER.maxFrameBytes)
      expect(far.frames[0]?.every((byte) => byte === 3)).toBe(true)
      const { closed } = record(near)
      await settle(client.disconnect(server.transportKey))
      await settle(Promise.all([closed, far.closed]))
      expect(near.open || second.open).toBe(false)
    })

    test('a taken address is PORT_IN_USE and named', async () => {
      const first = await host()
      const taken = address(first)
      const second = host('relay', [taken])
      await expect(settle(second)).rejects.toMatchObject({
        code: 'PORT_IN_USE',
        message: expect.stringContaining(taken),
      })
    })

    test('what was sent right before stop arrives', async () => {
      const { server, near, far } = await pair()
      const a = record(near)
      for (let i = 0; i < 100; i++) far.send(bytes(1000, i))
      await settle(server.stop())
      await settle(a.closed)
      expect(a.frames.map((frame) => frame[0])).toEqual(Array.from({ length: 100 }, (_, i) => i))
    })

    test('stop closes every stream and frees the address', async () => {
      const { server, near, far } = await pair()
      const taken = address(server)
      const [a, b] = [record(near), record(far)]
      await settle(server.stop())
      await settle(Promise.all([a.closed, b.closed]))
      expect(near.open || far.open).toBe(false)
      expect((await host('relay', [taken])).addresses()).toEqual([taken])
    })
  })
}
