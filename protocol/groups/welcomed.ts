// Who takes us in (SPEC.md §21.3). A welcome, or the secret of an operation that makes this device a
// recipient, is taken from an accepted contact; from anybody for a group that we asked to join, or were
// in; and from anybody if the operation is an add of ours by an accepted contact, or by whoever made the
// link by which we asked: its signature says so, whoever brings it.
import { CryptoError, type GroupOp, equalBytes, openGroupOp } from '../../crypto/index.ts'
import { contactOf, isAccepted } from '../contacts/contact.ts'
import { groupSeedFrame } from '../content/group-seed.ts'
import { groupWelcomeFrame } from '../content/group-welcome.ts'
import { readFrame } from '../content/kind.ts'
import type { Frame } from '../frames.ts'
import { deviceLists, isListed } from '../peers/device-lists.ts'
import { type Step, type Turn, get } from '../step.ts'
import { type GroupRecord, allGroups, groupOf } from './group.ts'

/** Whether a stranger's message takes us into a group. */
export function* isWelcome(turn: Turn, frames: readonly Frame[]): Step<boolean> {
  for (const frame of frames) {
    const welcome = readFrame(groupWelcomeFrame, frame)
    const group = welcome && (yield* groupOf(welcome.group))
    if (group !== undefined && group.standing !== 'joined') return true
    const seed = readFrame(groupSeedFrame, frame)
    if (seed !== undefined && (yield* isSeedWelcome(turn, seed.operation))) return true
  }
  return false
}

function* isSeedWelcome(turn: Turn, operation: Uint8Array): Step<boolean> {
  const op = openedOp(turn, operation)
  if (op === undefined) return false
  const group = yield* groupOf(op.groupId)
  if (group !== undefined) return group.standing === 'joining'
  return (yield* addedBy(turn, op)) !== undefined
}

/** Who vouches for an add of ours into a group that is unknown here. */
export type Voucher =
  | { readonly kind: 'contact' }
  /** Whoever made the link by which we asked for it. */
  | { readonly kind: 'link'; readonly group: GroupRecord }

/** By whom an operation adds us that is signed by somebody we know; undefined: it does not. */
export function* addedBy(turn: Turn, op: GroupOp): Step<Voucher | undefined> {
  const { payload, account, device } = op
  if (payload.kind !== 'add') return undefined
  const own = payload.newcomers.find((one) => equalBytes(one.account, turn.self.account))
  if (own === undefined || !isListed(yield* get(deviceLists, account), device)) return undefined
  if (isAccepted(yield* contactOf(account))) return { kind: 'contact' }
  const { inviteHash } = own
  if (inviteHash === undefined) return undefined
  const group = (yield* allGroups()).find(
    ({ join, gid, standing }) =>
      standing === 'joining' &&
      gid === undefined &&
      join !== undefined &&
      equalBytes(join.account, account) &&
      equalBytes(turn.crypto.sha256(join.inviteId), inviteHash),
  )
  return group === undefined ? undefined : { kind: 'link', group }
}

/** An operation whose signature holds. */
export function openedOp(turn: Turn, bytes: Uint8Array): GroupOp | undefined {
  try {
    return openGroupOp(turn.crypto, bytes)
  } catch (error) {
    if (error instanceof CryptoError) return undefined
    throw error
  }
}
