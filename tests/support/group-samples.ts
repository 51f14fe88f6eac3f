// One value of every frame of a group, with every field in use: for decoder tests and vectors.
import { type Mailbox, noble } from '../../crypto/index.ts'
import {
  type Control,
  type ControlKind,
  frontierRequestFrame,
  groupFrontierFrame,
  groupMemberFrame,
  groupMembersFrame,
  groupOpsFrame,
  groupSeedFrame,
  groupWelcomeFrame,
  joinAckFrame,
  joinPendingFrame,
  opsRequestFrame,
  seedRequestFrame,
  signControlFrame,
} from '../../protocol/index.ts'
import type { ContentKind } from '../../protocol/content/kind.ts'
import type { DecoderCase } from './decoder.ts'
import { bytesOf } from './entries.ts'

export interface GroupSample extends DecoderCase<unknown> {
  readonly name: string
  readonly kind: number
}

function sample<T>(content: ContentKind<T>, value: T): GroupSample {
  const { name, kind, encode, decode } = content
  return { name, kind, value, encode: encode as (value: unknown) => Uint8Array, decode }
}

const mailbox: Mailbox = {
  serviceKey: bytesOf('service'),
  addresses: ['/ip4/203.0.113.7/tcp/4001'],
  mailboxId: bytesOf('mailbox', 16),
  capability: bytesOf('cap', 45),
}
const home = { transportKey: bytesOf('transport'), addresses: ['/dns4/home.example/tcp/4001'] }
export const GROUP = bytesOf('gid')
export const SIGNER_SEED: Uint8Array = bytesOf('signer')

/** A control object, signed, as it is decoded. */
export function control<T>(kind: ControlKind<T>, value: T, r = 7): Control<T> {
  const signer = { group: GROUP, deviceSeed: SIGNER_SEED, r }
  return kind.decode(signControlFrame(noble, kind, signer, value))
}

const member = control(groupMemberFrame, {
  mailboxes: [mailbox],
  home,
  seal: { id: 3, publicKey: bytesOf('seal') },
  name: 'Bob',
})

export const GROUP_SAMPLES: readonly GroupSample[] = [
  sample(groupSeedFrame, {
    c: 5,
    operation: bytesOf('rotate', 318),
    secretKind: 'seed',
    secret: bytesOf('seed'),
    lineage: undefined,
  }),
  sample(groupWelcomeFrame, {
    c: 6,
    group: GROUP,
    addOp: bytesOf('add'),
    epoch: bytesOf('E'),
    lineage: bytesOf('G'),
    operations: 17,
    page: 1,
    pages: 2,
    authors: [{ author: bytesOf('DK'), n: 40, id: bytesOf('entry'), lamport: 90 }],
  }),
  sample(joinAckFrame, { c: 7, inviteId: bytesOf('invite', 16), state: 'pending', group: GROUP }),
  sample(seedRequestFrame, {
    group: GROUP,
    opId: bytesOf('op'),
    heads: [{ id: bytesOf('head'), lamport: 12 }],
  }),
  sample(opsRequestFrame, { group: GROUP, heads: [{ id: bytesOf('head'), lamport: 12 }] }),
  sample(groupOpsFrame, {
    group: GROUP,
    operations: [bytesOf('op 1', 252), bytesOf('op 2', 318)],
    more: true,
  }),
  sample(
    groupFrontierFrame,
    control(groupFrontierFrame, {
      opId: bytesOf('op'),
      ownN: 300,
      held: [
        { devIdx: 0, n: 20 },
        { devIdx: 300, n: 70_000 },
      ],
      read: [{ devIdx: 0, n: 19 }],
      carriage: [
        { relay: 1, incarnation: bytesOf('inc', 8), seq: 900, chain: bytesOf('chain', 8) },
      ],
      heads: [bytesOf('head')],
    }),
  ),
  sample(frontierRequestFrame, control(frontierRequestFrame, { author: bytesOf('DK'), n: 40 })),
  sample(
    joinPendingFrame,
    control(joinPendingFrame, {
      inviteId: bytesOf('invite', 16),
      account: bytesOf('AK'),
      list: bytesOf('list', 249),
      name: 'Zoë',
      mailboxes: [mailbox],
    }),
  ),
  sample(groupMemberFrame, member),
  sample(groupMembersFrame, { group: GROUP, members: [{ device: bytesOf('DK'), member }] }),
]
