// The example sizes of SPEC.md: a byte more or less here is another wire format.
import { describe, expect, it } from 'vitest'
import { encodeText, type Mailbox } from '../../../crypto/index.ts'
import { baseFrame } from '../../../protocol/content/base.ts'
import { endpointsFrame } from '../../../protocol/content/endpoints.ts'
import { entryFrame } from '../../../protocol/content/entry.ts'
import { frontierFrame } from '../../../protocol/content/frontier.ts'
import { introFrame } from '../../../protocol/content/intro.ts'
import { frameOf } from '../../../protocol/content/kind.ts'
import { listRequestFrame } from '../../../protocol/content/list-request.ts'
import { receiptFrame } from '../../../protocol/content/receipt.ts'
import { resetFrame } from '../../../protocol/content/reset.ts'
import { syncRequestFrame } from '../../../protocol/content/sync-request.ts'
import { textContent } from '../../../protocol/content/text.ts'
import { typingFrame } from '../../../protocol/content/typing.ts'
import { encodeFrames } from '../../../protocol/frames.ts'
import { elideEntry, encodeEntry } from '../../../protocol/log/entry.ts'
import { encodeHeader } from '../../../protocol/log/header.ts'
import { bytesOf, entryOf, SENT_AT_MS } from '../../support/entries.ts'

const author = bytesOf('author')
const third = entryOf({
  author,
  n: 300,
  prev: { id: bytesOf('prev'), lamport: 600 },
  parents: [{ id: bytesOf('parent'), lamport: 599 }],
})
const first = entryOf({ author, n: 1 })

const mailbox = (name: string): Mailbox => ({
  serviceKey: bytesOf(`service ${name}`),
  addresses: ['/ip4/203.0.113.7/tcp/4001'],
  mailboxId: bytesOf(`mailbox ${name}`, 16),
  capability: bytesOf(`cap ${name}`, 45),
})

describe('the sizes that SPEC.md states', () => {
  it('headers: 198 and 119 bytes, elided 99 and 20', () => {
    expect(third.headerBytes).toHaveLength(198)
    expect(first.headerBytes).toHaveLength(119)
    expect(encodeHeader(elideEntry(third, 'session').header)).toHaveLength(99)
    expect(encodeHeader(elideEntry(first, 'session').header)).toHaveLength(20)
  })

  it('the largest header is 917 bytes', () => {
    const high = 2 ** 48 - 1
    const parents = Array.from({ length: 16 }, (_, i) => ({ id: bytesOf(`p${i}`), lamport: high }))
    const largest = entryOf({
      author,
      op: bytesOf('op'),
      n: high,
      prev: { id: bytesOf('prev'), lamport: high },
      parents,
      kind: 0x0fff,
    })
    expect(largest.headerBytes).toHaveLength(917)
  })

  it('hello: body 8, entry 130 and 50, frame 134 bytes', () => {
    expect(textContent.encode({ text: 'hello', replyTo: undefined })).toHaveLength(8)
    expect(encodeEntry(elideEntry(third, 'session'))).toHaveLength(130)
    expect(encodeEntry(elideEntry(first, 'session'))).toHaveLength(50)
    const frame = frameOf(entryFrame, elideEntry(third, 'session'))
    expect(encodeFrames([frame])).toHaveLength(134)
  })

  it('a receipt for one author is 29 bytes, in a frame 33', () => {
    const receipt = receiptFrame.encode({
      r: 7,
      conversations: [
        {
          conversation: undefined,
          headN: 12,
          authors: [{ author: undefined, n: 300, id8: bytesOf('id', 8), held: [], readN: 300 }],
        },
      ],
      numbered: { c: 2, held: [] },
    })
    expect(receipt).toHaveLength(29)
    expect(encodeFrames([{ kind: receiptFrame.kind, body: receipt }])).toHaveLength(33)
  })

  it('list-request 8, base 193, sync-request 47, typing 3, reset 60 bytes', () => {
    const at = (name: string, n: number) => ({
      author: bytesOf(name),
      n,
      id: bytesOf(`${name} last`),
      lamport: 600,
    })
    expect(listRequestFrame.encode({ account: undefined, version: 1_790_000_000 })).toHaveLength(8)
    const base = {
      c: 3,
      conversation: undefined,
      heads: [{ id: bytesOf('head'), lamport: 600 }],
      authors: [at('a', 300), at('b', 299)],
    }
    expect(baseFrame.encode(base)).toHaveLength(193)
    const ranges = [{ author, from: 300, to: 310 }]
    const request = { req: 1, conversation: undefined, ranges, ids: [] }
    expect(syncRequestFrame.encode(request)).toHaveLength(47)
    expect(typingFrame.encode({ conversation: undefined, typing: true })).toHaveLength(3)
    const lost = ['x', 'y', 'z'].map((sid) => bytesOf(sid, 16))
    const positions = [{ conversation: undefined, author: undefined, n: 40 }]
    expect(resetFrame.encode({ positions, lost })).toHaveLength(60)
  })

  it('a frontier of two devices with one gap is 160 bytes, each head 38 more', () => {
    const device = (name: string, missing: readonly (readonly [number, number])[]) => ({
      author: bytesOf(name),
      n: 300,
      id: bytesOf(`${name} 300`),
      missing,
      forks: [],
    })
    const authors = [device('a', []), device('b', [[302, 303]])]
    const heads = [{ id: bytesOf('head'), lamport: 600 }]
    expect(frontierFrame.encode({ conversation: undefined, authors, heads: [] })).toHaveLength(160)
    expect(frontierFrame.encode({ conversation: undefined, authors, heads })).toHaveLength(198)
  })

  it('intro: 187 bytes with one relay, 314 with two', () => {
    const invite = { id: bytesOf('invite', 16), proof: bytesOf('proof') }
    const one = [mailbox('one')]
    const two = [mailbox('one'), mailbox('two')]
    expect(introFrame.encode({ invite, name: 'Alice', mailboxes: one })).toHaveLength(187)
    expect(introFrame.encode({ invite, name: 'Alice', mailboxes: two })).toHaveLength(314)
    expect(encodeText('Alice')).toHaveLength(5)
  })

  it('endpoints with two relays, a home host and one rendezvous: 457 bytes', () => {
    const endpoints = {
      c: 1,
      counter: 1,
      mailboxes: [mailbox('one'), mailbox('two')],
      home: { transportKey: bytesOf('home'), addresses: ['/ip4/203.0.113.7/tcp/4001'] },
      rendezvous: [
        {
          serviceKey: bytesOf('service one'),
          address: '/ip4/203.0.113.7/tcp/4001',
          idNow: bytesOf('now', 16),
          idNext: bytesOf('next', 16),
        },
      ],
      seal: { id: 1, publicKey: bytesOf('seal') },
      awayUntilS: 0,
    }
    expect(endpointsFrame.encode(endpoints)).toHaveLength(457)
    expect(SENT_AT_MS).toBeGreaterThan(2 ** 32)
  })
})
