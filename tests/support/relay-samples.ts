// One of every operation, reply and push of /sotto/relay/1, with every field in use.
import { failed } from '../../protocol/relay/failure.ts'
import type { RelayPush } from '../../protocol/relay/frames.ts'
import type { OpKind, OpReply, RelayOp } from '../../protocol/relay/ops.ts'
import { bytesOf } from './relay-world.ts'

export const id = bytesOf('mailbox', 16)
export const key = bytesOf('key')
export const eight = bytesOf('eight', 8)
export const mac = bytesOf('mac')
export const sig = bytesOf('sig', 64)
const after = { incarnation: eight, seq: 7, chain: undefined }
export const capability = { kind: 'capability', capId: eight, expiresS: 0x7fffffff, mac } as const
const work = { kind: 'work', hour: 490_000, nonce: eight } as const
const invite = { kind: 'invite', capId: eight, claim: id, mac } as const
export const deposit = {
  mailboxId: id,
  envId: key,
  lane: 0,
  flags: 0,
  ttlS: 2_592_000,
  coalesce: undefined,
  env: bytesOf('env', 1_024),
} as const

export const OPS: readonly RelayOp[] = [
  { kind: 'hello', request: { minor: 0, features: 16 } },
  { kind: 'desc', request: { haveSeq: 5 } },
  {
    kind: 'auth',
    request: { proofs: [{ type: 1, ownerKey: key, bind: undefined, signature: sig }] },
  },
  {
    kind: 'open',
    request: {
      type: 1,
      ownerKey: key,
      signature: sig,
      secret: mac,
      gen: 0,
      grant: { kind: 'ticket', ticket: eight },
      ttlS: 0,
      awayDays: 0,
    },
  },
  { kind: 'close', request: { mailboxId: id } },
  { kind: 'deposit', request: { ...deposit, auth: capability } },
  { kind: 'deposit', request: { ...deposit, auth: work, lane: 1 } },
  { kind: 'deposit', request: { ...deposit, auth: invite } },
  {
    kind: 'fetch',
    request: { mailboxId: id, after, limit: 9, maxBytes: 1, idsOnly: true, envIds: [key] },
  },
  { kind: 'sub', request: { mailboxId: id, after: undefined, messages: 64, bytes: 1 << 20 } },
  { kind: 'credit', request: { mailboxId: id, messages: 1, bytes: 2 } },
  { kind: 'unsub', request: { mailboxId: id } },
  { kind: 'ack', request: { mailboxId: id, envIds: [key, mac] } },
  { kind: 'revoke', request: { mailboxId: id, capIds: [eight] } },
  { kind: 'cardPut', request: { mailboxId: id, version: 3, item: key } },
  { kind: 'cardGet', request: { mailboxId: id } },
  {
    kind: 'prekeyPut',
    request: { mailboxId: id, replace: true, items: [{ class: 2, item: key }] },
  },
  { kind: 'prekeyCount', request: { mailboxId: id } },
  { kind: 'prekeyTake', request: { mailboxId: id, lane: 0, auth: capability, classes: 7 } },
  { kind: 'ping', request: { pad: new Uint8Array(5) } },
  {
    kind: 'invitePut',
    request: { mailboxId: id, capId: eight, capKey: key, expiresS: 9, uses: 1 },
  },
  { kind: 'inviteDelete', request: { mailboxId: id, capId: eight } },
  { kind: 'ticket', request: { mailboxId: id, count: 8 } },
  {
    kind: 'deposit',
    request: { ...deposit, lane: 3, flags: 4, coalesce: id, auth: capability },
  },
]

const item = {
  seq: 1,
  envId: key,
  lane: 0,
  capId: undefined,
  storedAtS: 2,
  expiresS: 3,
  env: new Uint8Array(0),
}
export const custodied = {
  incarnation: eight,
  seq: 70_000,
  holdUntilS: 1_800_000_000,
  chain: undefined,
  rootNo: 0,
  leafIndex: 200,
} as const

export const REPLIES: { readonly [K in OpKind]: readonly OpReply<K>[] } = {
  hello: [
    {
      minor: 0,
      features: 16,
      nonce: key,
      serviceKey: mac,
      descriptorSeq: 4,
      timeMs: 1_767_225_600_000,
      depositBits: 20,
      openBits: 22,
      inflightOps: 256,
      inflightBytes: 1 << 20,
      opsPerSecond: 1_000,
    },
  ],
  desc: [{ descriptor: undefined }, { descriptor: key }],
  auth: [
    {
      results: [
        { kind: 'granted', mailboxId: id, incarnation: eight, leaseUntilS: 5 },
        failed('unknown', { scope: 'mailbox' }),
      ],
    },
  ],
  open: [{ mailboxId: id, incarnation: eight, leaseUntilS: 5, ttlS: 6 }],
  close: [{ kind: 'done' }],
  deposit: [
    { kind: 'stored', ...custodied },
    { kind: 'stored', ...custodied, chain: eight },
    { kind: 'dup', ...custodied, held: true, envHash: key },
    { kind: 'dup', ...custodied, held: false, envHash: key },
    { kind: 'accepted' },
  ],
  fetch: [
    {
      incarnation: eight,
      items: [item, { ...item, capId: eight, env: key }],
      more: true,
      headSeq: 9,
      trimmedUpTo: 0,
      chain: undefined,
      trimChain: undefined,
    },
    {
      incarnation: eight,
      items: [{ ...item, lane: 3, capId: eight }],
      more: false,
      headSeq: 9,
      trimmedUpTo: 8,
      chain: eight,
      trimChain: key,
    },
  ],
  sub: [
    { incarnation: eight, headSeq: 9, trimmedUpTo: 0, trimChain: undefined },
    { incarnation: eight, headSeq: 9, trimmedUpTo: 3, trimChain: key },
  ],
  credit: [{ kind: 'done' }],
  unsub: [{ kind: 'done' }],
  ack: [{ count: 2 }],
  revoke: [{ kind: 'done' }],
  cardPut: [{ version: 3 }],
  cardGet: [{ version: 3, item: key }],
  prekeyPut: [{ opk: 100, okem: 20 }],
  prekeyCount: [{ opk: 0, okem: 0 }],
  prekeyTake: [{ card: key, opk: undefined, okem: mac }],
  ping: [{ pad: key }],
  invitePut: [{ left: 1 }],
  inviteDelete: [{ kind: 'done' }],
  ticket: [{ tickets: [] }, { tickets: [key, mac] }],
}

export const PUSHES: readonly RelayPush[] = [
  { kind: 'items', mailboxId: id, items: [item] },
  { kind: 'drained', mailboxId: id, incarnation: eight, headSeq: 4, chain: undefined },
  { kind: 'drained', mailboxId: id, incarnation: eight, headSeq: 4, chain: eight },
  { kind: 'end', mailboxId: id, reason: 0 },
  { kind: 'goaway', graceMs: 5_000 },
  { kind: 'room', mailboxId: id },
  { kind: 'ephemeral', mailboxId: id, env: key },
]
