// Telling a device that was just accepted who we are: it knows our key, not our name (SPEC.md §3).
import type { Bytes32 } from '../../crypto/index.ts'
import { introFrame } from '../content/intro.ts'
import { frameOf } from '../content/kind.ts'
import { sendNotice } from '../delivery/notice.ts'
import { mailboxesFor } from '../peers/handed-capability.ts'
import { profile } from '../profile.ts'
import type { Step, Turn } from '../step.ts'

/** Queues an intro that answers no invite. */
export function* introduce(turn: Turn, device: Bytes32): Step<void> {
  const { name } = yield* profile()
  const mailboxes = yield* mailboxesFor(turn, device)
  yield* sendNotice(turn, device, frameOf(introFrame, { invite: undefined, name, mailboxes }))
}
