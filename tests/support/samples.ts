// One value of every frame body and content kind, with every field in use: for decoder tests and the
// vectors made from them.
import { type Mailbox, noble, type Rendezvous } from '../../crypto/index.ts'
import { baseFrame } from '../../protocol/content/base.ts'
import { endpointsFrame } from '../../protocol/content/endpoints.ts'
import { entryFrame } from '../../protocol/content/entry.ts'
import { frontierFrame } from '../../protocol/content/frontier.ts'
import { introFrame } from '../../protocol/content/intro.ts'
import type { ContentKind } from '../../protocol/content/kind.ts'
import { listRequestFrame } from '../../protocol/content/list-request.ts'
import { listFrame } from '../../protocol/content/list.ts'
import { receiptFrame } from '../../protocol/content/receipt.ts'
import { resetFrame } from '../../protocol/content/reset.ts'
import { syncMoreFrame } from '../../protocol/content/sync-more.ts'
import { syncPageFrame } from '../../protocol/content/sync-page.ts'
import { syncRequestFrame } from '../../protocol/content/sync-request.ts'
import { textContent } from '../../protocol/content/text.ts'
import { typingFrame } from '../../protocol/content/typing.ts'
import { elideEntry, type WireEntry } from '../../protocol/log/entry.ts'
import { bytesOf, CONVERSATION, entryOf } from './entries.ts'
import type { DecoderCase } from './decoder.ts'

export interface Sample extends DecoderCase<unknown> {
  readonly name: string
}

function sample<T>(content: ContentKind<T>, value: T): Sample {
  const { name, encode, decode } = content
  return { name, value, encode: encode as (value: unknown) => Uint8Array, decode }
}

export const SAMPLE_ENTRY = entryOf({
  author: bytesOf('author'),
  n: 300,
  prev: { id: bytesOf('prev'), lamport: 600 },
  parents: [{ id: bytesOf('parent'), lamport: 599 }],
})

/** As it is decoded again: what a present body makes superfluous is not there. */
function received(entry: WireEntry): WireEntry {
  return entryFrame.decode(entryFrame.encode(entry))
}

const address = '/ip4/203.0.113.7/tcp/4001'
const mailbox: Mailbox = {
  serviceKey: bytesOf('service'),
  addresses: [address, '/dns4/relay.example/tcp/443/wss'],
  mailboxId: bytesOf('mailbox', 16),
  capability: bytesOf('cap', 45),
}
const rendezvous: Rendezvous = {
  serviceKey: bytesOf('service'),
  address,
  idNow: bytesOf('now', 16),
  idNext: bytesOf('next', 16),
}

export const SAMPLES: readonly Sample[] = [
  sample(textContent, { text: 'grüß dich', replyTo: bytesOf('answered') }),
  sample(entryFrame, received(elideEntry(SAMPLE_ENTRY, 'session'))),
  sample(receiptFrame, {
    r: 7,
    conversations: [
      {
        conversation: undefined,
        headN: 12,
        authors: [
          { author: undefined, n: 300, id8: bytesOf('id', 8), held: [[302, 305]], readN: 299 },
          { author: bytesOf('other'), n: 0, id8: undefined, held: [], readN: 0 },
        ],
      },
      { conversation: CONVERSATION, headN: 0, authors: [] },
    ],
    numbered: { c: 2, held: [[4, 4]] },
  }),
  sample(introFrame, {
    invite: { id: bytesOf('invite', 16), proof: bytesOf('proof') },
    name: 'Alice',
    mailboxes: [mailbox],
  }),
  sample(resetFrame, {
    positions: [
      { conversation: undefined, author: undefined, n: 40 },
      { conversation: CONVERSATION, author: bytesOf('author'), n: 0 },
    ],
    lost: [bytesOf('sid', 16)],
  }),
  sample(listRequestFrame, { account: bytesOf('account'), version: 1_790_000_000 }),
  sample(frontierFrame, {
    conversation: CONVERSATION,
    authors: [
      {
        author: bytesOf('author'),
        n: 300,
        id: bytesOf('300'),
        missing: [[301, 302]],
        forks: [{ n: 7, id: bytesOf('sibling') }],
      },
      { author: bytesOf('silent'), n: 0, id: undefined, missing: [], forks: [] },
    ],
    heads: [{ id: bytesOf('head'), lamport: 600 }],
  }),
  sample(syncRequestFrame, {
    req: 1,
    conversation: undefined,
    ranges: [{ author: bytesOf('author'), from: 300, to: 310 }],
    ids: [bytesOf('wanted')],
  }),
  sample(syncPageFrame, {
    req: 1,
    page: 2,
    more: true,
    entries: [
      received(elideEntry(SAMPLE_ENTRY, 'none')),
      received({ ...elideEntry(SAMPLE_ENTRY, 'none'), header: SAMPLE_ENTRY.header, body: 3 }),
    ],
    absent: [{ author: bytesOf('author'), from: 1, to: 9, reason: 5 }],
  }),
  sample(syncMoreFrame, { req: 1, page: 2 }),
  sample(endpointsFrame, {
    c: 1,
    counter: 4,
    mailboxes: [mailbox],
    home: { transportKey: bytesOf('home'), addresses: [address] },
    rendezvous: [rendezvous],
    seal: { id: 1, publicKey: bytesOf('seal') },
    awayUntilS: 1_790_000_000,
  }),
  sample(listFrame, { c: 2, list: bytesOf('list', 249) }),
  sample(baseFrame, {
    c: 3,
    conversation: CONVERSATION,
    heads: [{ id: bytesOf('head'), lamport: 600 }],
    authors: [{ author: bytesOf('author'), n: 300, id: bytesOf('300'), lamport: 600 }],
  }),
  sample(typingFrame, { conversation: undefined, typing: true }),
]

const seed = bytesOf('signing seed')

/** A group entry with its signature. */
export const SIGNED_ENTRY = entryOf({
  author: noble.ed25519PublicKey(seed),
  n: 1,
  op: bytesOf('op'),
  parents: [{ id: bytesOf('parent'), lamport: 599 }],
  seed,
})
