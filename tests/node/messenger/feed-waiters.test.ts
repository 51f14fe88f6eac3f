import { describe, expect, it } from 'vitest'
import { FeedWaiters } from '../../../node/messenger/feed-waiters.ts'
import { bytesOf } from '../../support/relay-world.ts'

const [one, other] = [bytesOf('one'), bytesOf('other')]
const rowOf = (entry: Uint8Array) => ({
  cursor: 1,
  atMs: 0,
  safeAtMs: 0,
  change: { kind: 'state', conversation: bytesOf('chat'), entry, state: 'delivered' } as const,
})

describe('who waits for the state of a message', () => {
  function world() {
    const waiters = new FeedWaiters()
    const woken: string[] = []
    const stop = new AbortController()
    const wait = (name: string, entry: Uint8Array) =>
      waiters.stateRose(entry, stop.signal).then(() => woken.push(name))
    return { waiters, woken, stop, wait }
  }

  it('is woken by a change of it and by no other', async () => {
    const { waiters, woken, wait } = world()
    const [first, again] = [wait('first', one), wait('again', one)]
    void wait('other', other)
    waiters.wake([rowOf(one)])
    await Promise.all([first, again])
    expect(woken).toEqual(['first', 'again'])
  })

  it('is woken with all others where nothing can be relied on', async () => {
    const { waiters, woken, wait } = world()
    const all = [wait('first', one), wait('other', other)]
    waiters.wake()
    await Promise.all(all)
    expect(woken).toEqual(['first', 'other'])
  })

  it('sees every change where it waits for all of them', async () => {
    const { waiters, stop } = world()
    const moved = waiters.moved(stop.signal)
    waiters.wake([rowOf(other)])
    await moved
  })

  it('stops waiting at the abort, and can wait again', async () => {
    const { waiters, woken, wait, stop } = world()
    const first = wait('first', one)
    stop.abort()
    await first
    const again = waiters
      .stateRose(one, new AbortController().signal)
      .then(() => woken.push('again'))
    waiters.wake([rowOf(one)])
    await again
    expect(woken).toEqual(['first', 'again'])
  })
})
