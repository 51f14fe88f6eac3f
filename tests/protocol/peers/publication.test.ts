import { describe, expect, test } from 'vitest'
import { toHex } from '../../../crypto/index.ts'
import {
  type Publication,
  activeMailboxes,
  allInvites,
  createInvite,
  noteIncarnation,
  notePublished,
  profile,
  profiles,
  publication,
  revokeInvite,
} from '../../../protocol/index.ts'
import { claimInvite } from '../../../protocol/contacts/invite.ts'
import { MAILBOX_LIMITS } from '../../../protocol/mailbox/limits.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { Person } from '../../support/person.ts'
import { Relay } from '../../support/person-parts.ts'

const DAY_S = 86_400
const FIRST = Uint8Array.of(1, 1, 1, 1, 1, 1, 1, 1)
const SECOND = Uint8Array.of(2, 2, 2, 2, 2, 2, 2, 2)
const FULL = { opk: 1_000, okem: 1_000 }

function alice(): Person {
  const person = new Person({ name: 'alice', relays: [new Relay(seededRandom('relay'))] })
  person.driver.run((turn) => noteIncarnation(turn, 1, FIRST))
  return person
}

function make(person: Person, days = 7, reusable = false): Uint8Array {
  return person.driver.run(function* (turn) {
    const [own] = yield* activeMailboxes()
    if (own === undefined) throw new Error('no mailbox')
    const { serviceKey, mailboxId, address } = own
    const expiresAtS = Math.floor(turn.nowMs / 1000) + days * DAY_S
    const where = { kind: 'relay', serviceKey, mailboxId } as const
    return (yield* createInvite(turn, { reusable, expiresAtS, address, where })).inviteId
  })
}

/** What a relay that takes everything is told now. */
function publish(person: Person): Publication {
  return person.driver.run(function* (turn) {
    const due = yield* publication(turn, 1, FULL)
    yield* notePublished(turn, 1, due)
    return due
  })
}

const counts = ({ invites, endedInvites }: Publication): readonly number[] => [
  invites.length,
  endedInvites.length,
]

describe('a relay is told of invites', () => {
  test('once each: what is there already is not told again', () => {
    const person = alice()
    make(person)
    expect(counts(publish(person))).toEqual([1, 0])
    const second = make(person)
    const due = publish(person)
    expect(due.invites.map(({ inviteId }) => toHex(inviteId))).toEqual([toHex(second)])
    expect(counts(publish(person))).toEqual([0, 0])
  })

  test('again where it lost its store', () => {
    const person = alice()
    make(person)
    make(person)
    publish(person)
    person.driver.run((turn) => noteIncarnation(turn, 1, SECOND))
    expect(counts(publish(person))).toEqual([2, 0])
    expect(counts(publish(person))).toEqual([0, 0])
  })

  test('when they end, once; never of one that it was not told of', () => {
    const person = alice()
    const revoked = make(person)
    const never = make(person)
    person.driver.run((turn) => revokeInvite(turn, never))
    make(person, 1)
    expect(counts(publish(person))).toEqual([2, 0])
    person.driver.run((turn) => revokeInvite(turn, revoked))
    expect(counts(publish(person))).toEqual([0, 1])
    person.driver.safeNowMs += 2 * DAY_S * 1000
    expect(counts(publish(person))).toEqual([0, 1])
    expect(counts(publish(person))).toEqual([0, 0])
  })

  test('no more than it takes: one that was used an hour ago gives its place up', () => {
    const person = alice()
    for (let n = 0; n < MAILBOX_LIMITS.invites; n += 1) make(person)
    publish(person)
    expect(() => make(person)).toThrow(expect.objectContaining({ code: 'ERR_PROTOCOL_LIMIT' }))
    const claimed = person.driver.run(function* (turn) {
      const [first] = yield* allInvites()
      if (first === undefined) throw new Error('no invite')
      claimInvite(turn, first, new Uint8Array(32))
      return first
    })
    expect(() => make(person)).toThrow()
    person.driver.nowMs += 3_600_001
    person.driver.safeNowMs += 3_600_001
    make(person)
    const due = publish(person)
    expect(counts(due)).toEqual([1, 1])
    expect(due.endedInvites.map(({ inviteId }) => toHex(inviteId))).toEqual([
      toHex(claimed.inviteId),
    ])
  })
})

test('a card in the place of another has a higher version, also within one second', () => {
  const person = alice()
  const versions: number[] = []
  for (let changes = 0; changes < 3; changes += 1) {
    const { card } = publish(person)
    versions.push(card?.issuedAtS ?? 0)
    person.driver.run(function* (turn) {
      const before = yield* profile()
      turn.put(profiles, 0, { ...before, endpointsCounter: before.endpointsCounter + 1 })
    })
  }
  const [first = 0] = versions
  expect(versions).toEqual([first, first + 1, first + 2])
})
