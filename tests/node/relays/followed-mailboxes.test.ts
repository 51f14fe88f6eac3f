// Following mailboxes of a relay that pushes what it was not asked for.
import { expect, it } from 'vitest'
import { FollowedMailboxes } from '../../../node/relay-client/followed-mailboxes.ts'
import type { OperationQueue } from '../../../node/relay-client/operation-queue.ts'
import type { RelayItem, RelayPush } from '../../../protocol/index.ts'
import { bytesOf } from '../../support/relay-world.ts'

const MAILBOX = bytesOf('mailbox', 16)
const ANSWER = {
  incarnation: bytesOf('life', 8),
  headSeq: 9,
  trimmedUpTo: 0,
  trimChain: undefined,
}

function items(count: number, sizeBytes: number): RelayPush {
  const item = (seq: number): RelayItem => ({
    seq,
    envId: bytesOf(`${seq}`),
    lane: 0,
    capId: undefined,
    storedAtS: 0,
    expiresS: 0,
    env: new Uint8Array(sizeBytes),
  })
  return {
    kind: 'items',
    mailboxId: MAILBOX,
    items: Array.from({ length: count }, (_, i) => item(i)),
  }
}

async function following(credit: { readonly messages: number; readonly bytes: number }) {
  const got = { items: 0, drained: 0 }
  const queue = {
    call: async (
      kind: string,
      _request: object,
      _bytes: number,
      onReply?: (reply: object) => void,
    ) => {
      onReply?.(ANSWER)
      return { reply: kind === 'sub' ? ANSWER : { kind: 'done' } }
    },
  } as unknown as OperationQueue
  const followed = new FollowedMailboxes(queue)
  const handlers = {
    onItems: (page: readonly RelayItem[]) => void (got.items += page.length),
    onDrained: () => void (got.drained += 1),
    onEnd: () => undefined,
  }
  const subscription = await followed.follow(MAILBOX, undefined, handlers, credit)
  if ('kind' in subscription) throw new Error(subscription.status)
  return { followed, got, subscription }
}

it('takes no more items, and no more bytes, than credit was given for', async () => {
  const many = await following({ messages: 4, bytes: 1 << 20 })
  many.followed.pushed(items(3, 100))
  many.followed.pushed(items(1, 100))
  expect(() => many.followed.pushed(items(1, 100))).toThrow('more than it had credit for')
  expect(many.got.items).toBe(4)
  many.subscription.credit(4, 400)
  many.followed.pushed(items(4, 100))
  expect(() => many.followed.pushed(items(1, 100))).toThrow('more than it had credit for')
  const large = await following({ messages: 100, bytes: 1_000 })
  // The last one may go beyond: an item goes while both are above zero.
  large.followed.pushed(items(2, 999))
  expect(() => large.followed.pushed(items(1, 1))).toThrow('more than it had credit for')
  // One page that goes beyond is not taken in part.
  const page = await following({ messages: 4, bytes: 1 << 20 })
  expect(() => page.followed.pushed(items(5, 1))).toThrow('more than it had credit for')
  expect(page.got.items).toBe(0)
})

it('hears of a head once, however often it is told', async () => {
  const { followed, got } = await following({ messages: 4, bytes: 1 << 20 })
  const head = { incarnation: ANSWER.incarnation, headSeq: 9, chain: undefined }
  const drained: RelayPush = { kind: 'drained', mailboxId: MAILBOX, ...head }
  for (let i = 0; i < 100; i++) followed.pushed(drained)
  expect(got.drained).toBe(1)
  followed.pushed(items(1, 1))
  followed.pushed(drained)
  expect(got.drained).toBe(2)
})
