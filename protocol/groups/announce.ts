// Telling a group where this device is reached (SPEC.md §21): in its first message, when that
// changed, and every 45 days. Own and new member objects of ours lie beside those of others, so that
// they are handed on like those.
import { encodeCbor, encodeText, equalBytes, GROUP_SETTINGS } from '../../crypto/index.ts'
import { groupMemberFrame } from '../content/group-member.ts'
import { MEMBER_RENEW_MS } from '../group-limits.ts'
import { mailboxesFor } from '../peers/handed-capability.ts'
import { currentSealKey } from '../prekeys/renew.ts'
import { profile } from '../profile.ts'
import type { Step, Turn } from '../step.ts'
import { learnMember } from './member-devices.ts'
import type { Membership } from './membership.ts'
import { ownControl, signOwnControl, waitingControls } from './own-control.ts'

/** Queues our member object where what it says changed, or it grew old. */
export function* announce(turn: Turn, members: Membership): Step<void> {
  const { gid } = members
  const before = yield* ownControl(gid)
  // One capability for the whole group, under its id: its devices are told the same.
  const mailboxes = yield* mailboxesFor(turn, gid)
  const seal = yield* currentSealKey(turn)
  const tellsHome = (members.settings & GROUP_SETTINGS.transportKeys) !== 0
  const own = yield* profile()
  const home = tellsHome ? own.home : undefined
  const digest = turn.crypto.sha256(
    encodeCbor([
      mailboxes.map((one) => [one.serviceKey, one.mailboxId, one.addresses.map(encodeText)]),
      home === undefined ? [] : [home.transportKey, home.addresses.map(encodeText)],
      seal.id,
      encodeText(own.name),
    ]),
  )
  const fresh = turn.safeNowMs - before.announcedAtMs < MEMBER_RENEW_MS
  if (fresh && before.announced !== undefined && equalBytes(before.announced, digest)) return
  const note = { announced: digest, announcedAtMs: turn.safeNowMs }
  const value = { mailboxes, home, seal, name: own.name }
  const frame = yield* signOwnControl(turn, gid, groupMemberFrame, value, note)
  turn.put(waitingControls, { gid, kind: frame.kind }, { frame })
  yield* learnMember(turn, members, turn.self.device, groupMemberFrame.decode(frame.body))
  turn.effect({ kind: 'group', gid })
}
