import { describe, expect, test } from 'vitest'
import { type DirectHandler, DirectLink } from '../../../node/direct/direct-link.ts'
import type { FrameStream } from '../../../node/transport.ts'
import {
  type DirectFrame,
  DIRECT_WINDOW_MESSAGES,
  decodeDirectFrame,
  encodeDirectFrame,
} from '../../../protocol/index.ts'
import { VirtualClock } from '../../sim/virtual-clock.ts'

const SID = new Uint8Array(16).fill(1)
const INNER = Uint8Array.of(0x11, ...new Uint8Array(445))
const COMMITTED = { code: 'committed', detail: 0, malformed: false } as const

/** A stream whose far end is the test. */
class FakeStream implements FrameStream {
  readonly remoteKey = new Uint8Array(32).fill(9)
  readonly remoteAddress = '10.0.0.2'
  open = true
  paused = false
  readonly sent: DirectFrame[] = []
  aborted: Error | undefined
  #frame: (frame: Uint8Array) => void = () => undefined
  #close: ((error: Error | undefined) => void)[] = []

  send(frame: Uint8Array): boolean {
    if (this.open) this.sent.push(decodeDirectFrame(frame))
    return true
  }
  drained(): Promise<void> {
    return Promise.resolve()
  }
  pause(): void {
    this.paused = true
  }
  resume(): void {
    this.paused = false
  }
  onFrame(handler: (frame: Uint8Array) => void): void {
    this.#frame = handler
  }
  onClose(handler: (error: Error | undefined) => void): void {
    this.#close.push(handler)
  }
  close(): Promise<void> {
    this.#end(undefined)
    return Promise.resolve()
  }
  abort(error: Error): void {
    this.aborted = error
    this.#end(error)
  }
  #end(error: Error | undefined): void {
    if (!this.open) return
    this.open = false
    for (const handler of this.#close) handler(error)
  }
  arrive(frame: DirectFrame): void {
    this.#frame(encodeDirectFrame(frame))
  }
  arriveBytes(...bytes: readonly number[]): void {
    this.#frame(Uint8Array.from(bytes))
  }
  kinds(): readonly string[] {
    return this.sent.map(({ kind }) => kind)
  }
}

const HELLO: DirectFrame = { kind: 'hello', features: 0, maxFrameBytes: 66_560 }

function setUp(handler: Partial<DirectHandler> = {}, greeted = true) {
  const time = new VirtualClock()
  const clock = {
    /** Lets time pass; how many timers ran. */
    async advance(ms: number): Promise<number> {
      const untilMs = time.elapsedMs + ms
      let fired = 0
      for (; fired < 1_000 && (time.nextAtMs() ?? Infinity) <= untilMs; fired++) {
        time.step()
        await turns()
      }
      time.skipTo(untilMs)
      return fired
    },
  }
  const stream = new FakeStream()
  const link = new DirectLink({
    stream,
    clock: time.port(),
    jitter: () => 0.5,
    handler: {
      envelope: () => Promise.resolve(COMMITTED),
      card: () => Promise.resolve(undefined),
      closed: () => undefined,
      known: () => true,
      spend: () => true,
      ...handler,
    },
  })
  if (greeted) stream.arrive(HELLO)
  return { clock, stream, link }
}

async function turns(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve()
}

function envelope(seq: number, inner: Uint8Array = INNER): DirectFrame {
  return { kind: 'envelope', seq, volatile: false, sid: SID, inner }
}

describe('hello', () => {
  test('comes first, and nothing is sent before the peer’s', async () => {
    const { stream, link } = setUp({}, false)
    void link.envelope(SID, INNER)
    await turns()
    expect(stream.kinds()).toEqual(['hello'])
    stream.arrive(HELLO)
    await turns()
    expect(stream.kinds()).toEqual(['hello', 'envelope'])
  })

  test('is waited for ten seconds', async () => {
    const { clock, stream, link } = setUp({}, false)
    const ready = expect(link.ready()).rejects.toThrow()
    await clock.advance(9_999)
    expect(stream.open).toBe(true)
    await clock.advance(2)
    expect(stream.aborted?.message).toMatch(/no hello/)
    await ready
  })

  test.each([
    ['another frame first', () => ({ kind: 'ping', token: new Uint8Array(8) }) as const],
    ['a second one', () => HELLO],
  ])('%s is answered by a goodbye', async (name, frame) => {
    const { stream } = setUp({}, name === 'a second one')
    stream.arrive(frame())
    await turns()
    expect(stream.sent.at(-1)).toEqual({ kind: 'goaway', reason: 1 })
    expect(stream.open).toBe(false)
  })

  test('of another version is answered by reason 2', async () => {
    const { stream } = setUp({}, false)
    stream.arriveBytes(0x01, 0x83, 2, 0, 0x18, 0xff)
    await turns()
    expect(stream.sent.at(-1)).toEqual({ kind: 'goaway', reason: 2 })
  })
})

describe('envelopes', () => {
  test('are numbered, and each answer goes to its own', async () => {
    const { stream, link } = setUp()
    const answers = [link.envelope(SID, INNER), link.envelope(SID, INNER)]
    await turns()
    stream.arrive({
      kind: 'answers',
      answers: [
        { seq: 2, code: 'busy', detail: 5 },
        { seq: 1, code: 'committed', detail: 0 },
        { seq: 9, code: 'committed', detail: 0 },
      ],
    })
    expect(await Promise.all(answers)).toMatchObject([
      { code: 'committed' },
      { code: 'busy', detail: 5 },
    ])
  })

  test('that arrive are answered after the durable batch, and not before', async () => {
    let durable: () => void = () => undefined
    const { stream } = setUp({
      envelope: () =>
        new Promise((resolve) => {
          durable = () => resolve(COMMITTED)
        }),
    })
    stream.arrive(envelope(1))
    await turns()
    expect(stream.kinds()).toEqual(['hello'])
    durable()
    await turns()
    expect(stream.sent.at(-1)).toEqual({
      kind: 'answers',
      answers: [{ seq: 1, code: 'committed', detail: 0 }],
    })
  })

  test('of a batch that failed are not answered at all', async () => {
    const { stream } = setUp({ envelope: () => Promise.reject(new Error('disk full')) })
    stream.arrive(envelope(1))
    await turns()
    expect(stream.kinds()).toEqual(['hello'])
    expect(stream.aborted?.message).toMatch(/disk full/)
  })

  test('out of order close the stream', async () => {
    const { stream } = setUp()
    stream.arrive(envelope(2))
    await turns()
    expect(stream.sent.at(-1)).toEqual({ kind: 'goaway', reason: 1 })
  })

  test('a malformed one is answered, then the stream closes', async () => {
    const { stream } = setUp({
      envelope: () => Promise.resolve({ code: 'refused', detail: 0, malformed: true }),
    })
    stream.arrive(envelope(1))
    await turns()
    expect(stream.kinds()).toEqual(['hello', 'answers', 'goaway'])
  })

  test('fill the window at 500, and an answer makes room', async () => {
    const { stream, link } = setUp()
    for (let i = 0; i < DIRECT_WINDOW_MESSAGES; i++) void link.envelope(SID, INNER)
    await turns()
    expect(link.hasRoom).toBe(false)
    let room = false
    void link.room().then(() => (room = true))
    await turns()
    expect(room).toBe(false)
    stream.arrive({ kind: 'answers', answers: [{ seq: 3, code: 'committed', detail: 0 }] })
    await turns()
    expect(room).toBe(true)
  })

  test('fill the window at 1 MiB', async () => {
    const { link } = setUp()
    for (let i = 0; i < 17; i++) void link.envelope(SID, new Uint8Array(65_470).fill(0x11))
    await turns()
    expect(link.hasRoom).toBe(false)
  })

  test('unanswered beyond 500 stop the reading, however small they are', async () => {
    const settle: (() => void)[] = []
    const { stream } = setUp({
      envelope: () => new Promise((resolve) => settle.push(() => resolve(COMMITTED))),
    })
    const small = Uint8Array.of(0x11)
    for (let seq = 1; seq <= DIRECT_WINDOW_MESSAGES; seq++) stream.arrive(envelope(seq, small))
    expect(stream.paused).toBe(false)
    stream.arrive(envelope(DIRECT_WINDOW_MESSAGES + 1, small))
    expect(stream.paused).toBe(true)
    settle.shift()?.()
    await turns()
    expect(stream.paused).toBe(false)
  })

  test('unanswered beyond 1 MiB stop the reading, and it goes on', async () => {
    const settle: (() => void)[] = []
    const { stream } = setUp({
      envelope: () => new Promise((resolve) => settle.push(() => resolve(COMMITTED))),
    })
    for (let seq = 1; seq <= 17; seq++)
      stream.arrive(envelope(seq, new Uint8Array(65_470).fill(0x11)))
    expect(stream.paused).toBe(true)
    for (const one of settle) one()
    await turns()
    expect(stream.paused).toBe(false)
  })

  test('go back to the outbox when the stream dies', async () => {
    const { stream, link } = setUp()
    const answer = link.envelope(SID, INNER)
    await turns()
    stream.abort(new Error('cut'))
    expect(await answer).toBeUndefined()
    expect(await link.envelope(SID, INNER)).toBeUndefined()
  })

  test('larger than the peer takes are not sent', async () => {
    const { stream, link } = setUp({}, false)
    stream.arrive({ kind: 'hello', features: 0, maxFrameBytes: 1_000 })
    expect(await link.envelope(SID, new Uint8Array(2_000).fill(0x11))).toBeUndefined()
    expect(stream.kinds()).toEqual(['hello'])
  })
})

describe('time', () => {
  test('no answer for 30 seconds ends the stream', async () => {
    const { clock, stream, link } = setUp()
    const answer = link.envelope(SID, INNER)
    await turns()
    for (let s = 0; s < 29; s++) {
      await clock.advance(1_000)
      stream.arrive({ kind: 'pong', token: new Uint8Array(8) })
    }
    expect(stream.open).toBe(true)
    await clock.advance(1_100)
    expect(stream.aborted?.message).toMatch(/no answer/)
    expect(await answer).toBeUndefined()
  })

  test('silence brings a ping after 25 to 45 seconds, and the end after 60', async () => {
    const { clock, stream } = setUp()
    await clock.advance(25_000)
    expect(stream.kinds()).toEqual(['hello'])
    await clock.advance(20_000)
    expect(stream.kinds()).toEqual(['hello', 'ping'])
    await clock.advance(15_100)
    expect(stream.aborted?.message).toMatch(/silent/)
  })

  test('a stream whose reading is stopped neither ends as silent nor keeps the clock busy', async () => {
    const settle: (() => void)[] = []
    const { clock, stream } = setUp({
      envelope: () => new Promise((resolve) => settle.push(() => resolve(COMMITTED))),
    })
    const large = new Uint8Array(65_470).fill(0x11)
    for (let seq = 1; seq <= 17; seq++) stream.arrive(envelope(seq, large))
    const fired = await clock.advance(300_000)
    expect(stream.open).toBe(true)
    expect(fired).toBeLessThan(30)
    for (const one of settle) one()
    await turns()
    // From here on its silence counts again.
    await clock.advance(61_000)
    expect(stream.aborted?.message).toMatch(/silent/)
  })

  test('a peer that answers stays', async () => {
    const { clock, stream } = setUp()
    for (let i = 0; i < 20; i++) {
      await clock.advance(40_000)
      stream.arrive({ kind: 'pong', token: new Uint8Array(8) })
    }
    expect(stream.open).toBe(true)
  })

  test('every ping comes back as it was, above 2^53 too', () => {
    const { stream } = setUp()
    const token = new Uint8Array(8).fill(0xff)
    stream.arrive({ kind: 'ping', token })
    expect(stream.sent.at(-1)).toEqual({ kind: 'pong', token })
  })
})

describe('strangers', () => {
  test('send what the handler takes and ask for a bundle, and nothing else', async () => {
    const allowed = setUp({ known: () => false })
    allowed.stream.arrive(envelope(1, Uint8Array.of(0x10, 1)))
    allowed.stream.arrive({ kind: 'card-request', inviteId: SID })
    await turns()
    expect(allowed.stream.kinds().toSorted()).toEqual(['answers', 'card', 'hello'])
    for (const frame of [envelope(1), { kind: 'ephemeral', sid: SID, message: INNER } as const]) {
      const { stream } = setUp({ known: () => false, envelope: () => Promise.resolve(undefined) })
      stream.arrive(frame)
      await turns()
      expect(stream.sent.at(-1)).toEqual({ kind: 'goaway', reason: 1 })
    }
  })

  test('share so many bytes, and then are sent away', async () => {
    let left = 1_000
    const { stream } = setUp({ known: () => false, spend: (size) => (left -= size) >= 0 })
    for (let seq = 1; seq <= 3; seq++) {
      stream.arrive(envelope(seq, Uint8Array.of(0x10, ...new Uint8Array(445))))
    }
    await turns()
    expect(stream.sent.at(-1)).toEqual({ kind: 'goaway', reason: 3 })
  })
})

test('malformed bytes are answered by a goodbye that still leaves', async () => {
  const { stream } = setUp()
  stream.arriveBytes(0x07, 1)
  await turns()
  expect(stream.sent.at(-1)).toEqual({ kind: 'goaway', reason: 1 })
  expect(stream.open).toBe(false)
})

test('what follows a goodbye is not read', async () => {
  let taken = 0
  const { stream } = setUp({
    envelope: () => {
      taken += 1
      return Promise.resolve(COMMITTED)
    },
  })
  stream.arrive({ kind: 'goaway', reason: 0 })
  stream.arrive(envelope(1))
  await turns()
  expect(taken).toBe(0)
})
