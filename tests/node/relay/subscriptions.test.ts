// What a relay keeps and sends for who follows mailboxes: nothing for a stream that is over, and no
// more than one page beyond what a stream takes.
import { describe, expect, it } from 'vitest'
import { zeroFigures } from '../../../node/relay/figures.ts'
import { Subscriptions } from '../../../node/relay/subscriptions.ts'
import type { FrameStream } from '../../../node/transport.ts'
import type { RelayItem } from '../../../protocol/index.ts'
import { VirtualClock } from '../../sim/virtual-clock.ts'
import { bytesOf, depositTo, prepared } from '../../support/relay-world.ts'

describe('a stream that is over', () => {
  it('before its SUB was carried out leaves no subscription', async () => {
    const { world, bob, alice } = await prepared()
    const { store, service } = world
    const get = store.get.bind(store)
    let open = (): void => undefined
    const opened = new Promise<void>((resolve) => {
      open = resolve
    })
    store.get = async (keys) => {
      await opened
      return get(keys)
    }
    const nothing = { onItems: () => undefined, onDrained: () => undefined, onEnd: () => undefined }
    const asked = bob.connection.follow(bob.mailboxId, undefined, nothing, {
      messages: 1,
      bytes: 1,
    })
    asked.catch(() => undefined)
    await world.quiet()
    expect(service!.queuedOps + service!.connections).toBeGreaterThan(0)
    bob.connection.abort(new Error('gone'))
    await world.quiet()
    open()
    await world.quiet()
    await expect(asked).rejects.toMatchObject({ code: 'RELAY_UNREACHABLE' })
    expect(service!.subscriptions).toBe(0)
    // Nobody is there to be pushed to, and the mailbox takes mail as before.
    const auth = world.capability(bob, 'alice')
    expect(await world.settle(alice.deposit(depositTo(bob, auth, '1')))).toMatchObject({
      kind: 'stored',
    })
  })
})

/** A stream that takes frames until its buffer is full, and says so. */
function slowStream(): {
  readonly stream: FrameStream
  readonly sent: () => number
  drain(): void
} {
  let sent = 0
  let wake: (() => void)[] = []
  let full = false
  const stream = {
    remoteKey: bytesOf('slow'),
    remoteAddress: '192.0.2.1',
    open: true,
    send: () => {
      sent += 1
      full = true
      return false
    },
    drained: () => (full ? new Promise<void>((resolve) => wake.push(resolve)) : Promise.resolve()),
  } as unknown as FrameStream
  return {
    stream,
    sent: () => sent,
    drain() {
      full = false
      const waiting = wake
      wake = []
      for (const each of waiting) each()
    },
  }
}

function item(seq: number): RelayItem {
  const envId = bytesOf(`id ${seq}`)
  return { seq, envId, lane: 3, capId: undefined, storedAtS: 0, expiresS: 0, env: bytesOf('env') }
}

describe('a stream that takes no more', () => {
  const HEAD = 100
  function following(mailboxes: number) {
    const subscriptions = new Subscriptions({
      clock: new VirtualClock().port(),
      figures: zeroFigures(),
      itemsAfter: async () => [],
      ringItemsAfter: async (_mailbox, after) => ({
        items: after < HEAD ? [item(after + 1)] : [],
        head: { seq: HEAD, chain: bytesOf('chain', 8) },
      }),
    })
    const slow = slowStream()
    const ids = Array.from({ length: mailboxes }, (_, i) => bytesOf(`mailbox ${i}`, 16))
    for (const mailboxId of ids) {
      subscriptions.add(slow.stream, {
        mailboxId,
        isShared: true,
        incarnation: bytesOf('incarnation', 8),
        afterSeq: 0,
        headSeq: HEAD,
        messages: 64,
        bytes: 1 << 20,
      })
    }
    return { subscriptions, slow, ids }
  }
  const settled = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) await new Promise(setImmediate)
  }

  it('is sent nothing for other mailboxes that it follows', async () => {
    const { slow } = following(40)
    await settled()
    // Those that were being read when the first frame filled it.
    expect(slow.sent()).toBeLessThanOrEqual(4)
    slow.drain()
    await settled()
    expect(slow.sent()).toBeLessThanOrEqual(8)
  })

  it('is sent nothing for what comes meanwhile, and all of it in the end', async () => {
    const { subscriptions, slow, ids } = following(1)
    await settled()
    expect(slow.sent()).toBe(1)
    for (let i = 0; i < 20; i++) {
      subscriptions.notify(ids[0]!, HEAD)
      await settled()
    }
    expect(slow.sent()).toBe(1)
    for (let i = 0; i < 63; i++) {
      slow.drain()
      await settled()
    }
    expect(slow.sent()).toBe(64)
  })
})
