// Groups at their limits (SPEC.md §15, §21): what does not fit is refused, with what to do about it, and
// nothing else is lost.
import { describe, expect, it } from 'vitest'
import { toNodeError } from '../../../node/messenger/translate.ts'
import { createInvite } from '../../../protocol/contacts/create-invite.ts'
import { allInvites, revokeInvite } from '../../../protocol/contacts/invite.ts'
import { ProtocolError } from '../../../protocol/errors.ts'
import { askToJoin } from '../../../protocol/groups/ask.ts'
import { allGroups, newGroup } from '../../../protocol/groups/group.ts'
import { operationError } from '../../../protocol/groups/operate.ts'
import { keepJoin, pendingJoins } from '../../../protocol/groups/pending-joins.ts'
import { INVITES_MAX } from '../../../protocol/limits.ts'
import { MAILBOX_LIMITS } from '../../../protocol/mailbox/limits.ts'
import { GROUPS_MAX, JOINS_PENDING_MAX, JOINS_PENDING_MS } from '../../../protocol/group-limits.ts'
import { MemoryDriver } from '../../support/memory-driver.ts'

const GID = new Uint8Array(32).fill(7)

function asking(at: number) {
  const account = new Uint8Array(32)
  new DataView(account.buffer).setUint32(0, at)
  return { account, inviteId: new Uint8Array(16), name: `p${at}`, ours: true }
}

/** What a call rejects with, where the machine throws. */
function failureOf(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return toNodeError(error)
  }
  throw new Error('it did not fail')
}

const hinted = (code: string, hint: RegExp) => ({ code, hint: expect.stringMatching(hint) })

const atRelay = { kind: 'relay', mailboxId: new Uint8Array(16), serviceKey: GID } as const
const direct = { kind: 'direct', transportKey: GID } as const

function invite(driver: MemoryDriver, where: typeof atRelay | typeof direct = atRelay) {
  const expiresAtS = Math.floor(driver.nowMs / 1000) + 3600
  const address = '/ip4/10.0.0.1/tcp/4001'
  const group = { gid: GID, approve: false }
  return driver.run((turn) =>
    createInvite(turn, { where, address, reusable: false, expiresAtS, group }),
  )
}

describe('links', () => {
  it.each([
    ['a relay takes', atRelay, MAILBOX_LIMITS.invites],
    ['a profile keeps', direct, INVITES_MAX],
  ])('as many as %s: one must be revoked for another', (_, where, max) => {
    const driver = new MemoryDriver({ seed: 'invites' })
    for (let at = 0; at < max; at++) invite(driver, where)
    const failure = failureOf(() => invite(driver, where))
    expect(failure).toMatchObject(hinted('LIMIT', /sotto invite revoke/))
    const [first] = driver.run(() => allInvites())
    expect(driver.run((turn) => revokeInvite(turn, first?.inviteId ?? GID))).toBe(true)
    invite(driver, where)
    expect(driver.run(() => allInvites()).filter(({ revoked }) => !revoked)).toHaveLength(max)
  })

  it('of one group more than a profile holds: it is not asked, and the others stay', () => {
    const driver = new MemoryDriver({ seed: 'groups' })
    const maker = new MemoryDriver({ seed: 'maker' })
    for (let at = 0; at < GROUPS_MAX; at++) {
      const fields = { gid: undefined, name: `g${at}`, named: false, join: undefined } as const
      driver.run((turn) => newGroup(turn, { ...fields, standing: 'refused' }))
    }
    const { link } = invite(maker)
    const error = failureOf(() => driver.run((turn) => askToJoin(turn, link)))
    expect(error).toMatchObject(hinted('LIMIT', /left included/))
    expect(driver.run(() => allGroups())).toHaveLength(GROUPS_MAX)
  })
})

it('a member more than a group holds is refused as such', () => {
  expect(toNodeError(operationError('limit'))).toMatchObject(hinted('GROUP_FULL', /leave/))
  const full = new ProtocolError('ERR_PROTOCOL_LIMIT', 'too many', { detail: { reason: 'outbox' } })
  expect(toNodeError(full)).toMatchObject(hinted('LIMIT', /sotto status/))
})

it('a hundred wait at most; who asks again is there once; those that lapsed make room', () => {
  const driver = new MemoryDriver({ seed: 'pending' })
  const keep = (at: number): boolean => driver.run((turn) => keepJoin(turn, GID, asking(at)))
  for (let at = 0; at < JOINS_PENDING_MAX; at++) expect(keep(at)).toBe(true)
  expect(keep(JOINS_PENDING_MAX)).toBe(false)
  expect(keep(0)).toBe(true)
  const names = driver.run((turn) => pendingJoins(turn, GID)).map(({ name }) => name)
  expect(names.toSorted()).toEqual(Array.from({ length: 100 }, (_, at) => `p${at}`).toSorted())
  driver.nowMs += JOINS_PENDING_MS
  driver.safeNowMs += JOINS_PENDING_MS
  expect(driver.run((turn) => pendingJoins(turn, GID))).toEqual([])
  expect(keep(JOINS_PENDING_MAX)).toBe(true)
  expect(driver.run((turn) => pendingJoins(turn, GID))).toHaveLength(1)
})
