// Invites this device made: only the device that made an invite judges it (SPEC.md §3).
import {
  type Bytes8,
  type Bytes16,
  type Bytes32,
  EMPTY,
  compareBytes,
  equalBytes,
} from '../../crypto/index.ts'
import { INVITES_MAX, INVITE_USED_KEEP_MS } from '../limits.ts'
import { MAILBOX_LIMITS } from '../mailbox/limits.ts'
import { encodeRecord, orEmpty, readList, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get, range } from '../step.ts'
import type { InviteRefusal } from './contact.ts'

export interface InviteClaim {
  readonly account: Bytes32
  readonly atMs: number
}

export interface OwnInvite {
  readonly inviteId: Bytes16
  readonly secret: Bytes16
  /** The link in full, to show it again. */
  readonly link: Uint8Array
  /** The relay whose mailbox the link names; undefined for a direct invite. */
  readonly serviceKey: Bytes32 | undefined
  readonly reusable: boolean
  readonly revoked: boolean
  readonly createdAtMs: number
  readonly expiresAtS: number
  readonly claims: readonly InviteClaim[]
  /** The group that it lets in to; undefined: it makes contacts. */
  readonly group: InvitedGroup | undefined
  /** Incarnation of the mailbox whose relay was told of it, and not of its end; else undefined. */
  readonly published: Bytes8 | undefined
}

export interface InvitedGroup {
  readonly gid: Bytes32
  /** Whoever comes by it waits for an admin, whatever the group's settings are. */
  readonly approve: boolean
}

/** Claims kept of a reusable invite, to tell a repeated one from a new one. */
const CLAIMS_MAX = 1_024

export const invites: Table<Bytes16, OwnInvite> = {
  name: 'invites',
  sealing: 'value',
  // An invite id is derived from the invite's secret: it names nobody.
  place: (inviteId) => ({ owner: EMPTY, order: inviteId }),
  encode: (invite) =>
    encodeRecord([
      invite.inviteId,
      invite.secret,
      invite.link,
      orEmpty(invite.serviceKey),
      invite.reusable ? 1 : 0,
      invite.revoked ? 1 : 0,
      invite.createdAtMs,
      invite.expiresAtS,
      invite.claims.map((claim) => [claim.account, claim.atMs]),
      invite.group === undefined ? [] : [invite.group.gid, invite.group.approve ? 1 : 0],
      orEmpty(invite.published),
    ]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'invite')
    return {
      inviteId: fields.bytes('inviteId', 16),
      secret: fields.bytes('secret', 16),
      link: fields.bytes('link', 1, 256),
      serviceKey: fields.optional('serviceKey', 32),
      reusable: fields.flag('reusable'),
      revoked: fields.flag('revoked'),
      createdAtMs: fields.uint('createdAt'),
      expiresAtS: fields.uint('expiresAt'),
      claims: readList(fields, 'claims', CLAIMS_MAX, (claim) => ({
        account: claim.bytes('account', 32),
        atMs: claim.uint('at'),
      })),
      // Profiles before groups wrote no such field.
      group: fields.left === 0 ? undefined : decodeGroup(fields.nested('group')),
      // Nor those before this one: their relays are told once more.
      published: fields.left === 0 ? undefined : fields.optional('published', 8),
    }
  },
}

function decodeGroup(fields: ReturnType<typeof readRecord>): InvitedGroup | undefined {
  if (fields.left === 0) return undefined
  return { gid: fields.bytes('gid', 32), approve: fields.flag('approve') }
}

/** Whether an invite still admits this account at this time (Unix s). */
export function judgeInvite(
  invite: OwnInvite | undefined,
  account: Bytes32,
  atS: number,
): 'accepted' | InviteRefusal {
  if (invite === undefined) return 'unknown'
  if (invite.revoked) return 'revoked'
  if (atS > invite.expiresAtS) return 'expired'
  const mine = invite.claims.some((claim) => compareBytes(claim.account, account) === 0)
  if (mine) return 'accepted'
  return invite.reusable || invite.claims.length === 0 ? 'accepted' : 'used'
}

/** Records who used an invite; repeating it changes nothing. */
export function claimInvite(turn: Turn, invite: OwnInvite, account: Bytes32): void {
  if (invite.claims.some((claim) => compareBytes(claim.account, account) === 0)) return
  const claims = [...invite.claims, { account, atMs: turn.nowMs }].slice(-CLAIMS_MAX)
  turn.put(invites, invite.inviteId, { ...invite, claims })
}

/** Every invite of this device. */
export function* allInvites(): Step<readonly OwnInvite[]> {
  const rows = yield* range(invites, { owner: EMPTY, limit: INVITES_MAX })
  return rows.map((row) => row.value)
}

/** Whether an invite can still admit somebody. */
export function isLive(invite: OwnInvite, nowS: number): boolean {
  if (invite.revoked || nowS > invite.expiresAtS) return false
  return invite.reusable || invite.claims.length === 0
}

/** Whether the relay must know an invite. One that was used is kept until its user has our endpoints. */
export function isAtRelay(invite: OwnInvite, nowMs: number): boolean {
  if (invite.revoked || invite.expiresAtS < Math.floor(nowMs / 1000)) return false
  const [claim] = invite.claims
  return invite.reusable || claim === undefined || nowMs < claim.atMs + INVITE_USED_KEEP_MS
}

/** Notes what a relay was told of an invite, which may be gone meanwhile. */
export function* markInvite(
  turn: Turn,
  inviteId: Bytes16,
  published: Bytes8 | undefined,
): Step<void> {
  const invite = yield* get(invites, inviteId)
  if (invite !== undefined) turn.put(invites, inviteId, { ...invite, published })
}

/**
 * Makes room for one more invite by forgetting the oldest that is over; false where all are live, or
 * where its relay takes no more.
 */
export function* makeInviteRoom(turn: Turn, serviceKey: Bytes32 | undefined): Step<boolean> {
  const all = yield* allInvites()
  if (serviceKey !== undefined) {
    const beside = all.filter(
      (one) =>
        one.serviceKey !== undefined &&
        equalBytes(one.serviceKey, serviceKey) &&
        isAtRelay(one, turn.nowMs),
    )
    if (beside.length >= MAILBOX_LIMITS.invites) return false
  }
  if (all.length < INVITES_MAX) return true
  const nowS = Math.floor(turn.nowMs / 1000)
  const [oldest] = all
    .filter((invite) => !isLive(invite, nowS))
    .toSorted((a, b) => a.createdAtMs - b.createdAtMs)
  if (oldest === undefined) return false
  turn.remove(invites, oldest.inviteId)
  return true
}

/** Marks an invite as revoked; false where there is none. */
export function* revokeInvite(turn: Turn, inviteId: Bytes16): Step<boolean> {
  const invite = yield* get(invites, inviteId)
  if (invite === undefined) return false
  turn.put(invites, inviteId, { ...invite, revoked: true })
  turn.effect({ kind: 'publish' })
  return true
}
