// A contact holds messages of this device that this profile does not know: it was rolled back to an
// earlier state, or a copy of it is running. Nothing more is written into that conversation, for the
// next number would be somebody else's (SPEC.md §10.7).
import { type Bytes32, EMPTY } from '../../crypto/index.ts'
import { encodeRecord, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get } from '../step.ts'

const behind: Table<Bytes32, number> = {
  name: 'behind',
  sealing: 'value',
  place: (account) => ({ owner: account, order: EMPTY }),
  encode: (atMs) => encodeRecord([atMs]),
  decode: (bytes) => readRecord(bytes, 'behind').uint('at'),
}

/** When a mailbox of ours was last read by another program, Unix ms. */
const copiedMarks: Table<0, number> = {
  name: 'copied',
  sealing: 'value',
  place: () => ({ owner: EMPTY, order: EMPTY }),
  encode: (atMs) => encodeRecord([atMs]),
  decode: (bytes) => readRecord(bytes, 'copied').uint('at'),
}

const DAY_MS = 86_400_000

/** Another program reads this device's mailbox: says so, once a day. */
export function* noteCopied(turn: Turn): Step<void> {
  const before = yield* get(copiedMarks, 0)
  if (before !== undefined && Math.abs(turn.nowMs - before) < DAY_MS) return
  turn.put(copiedMarks, 0, turn.nowMs)
  turn.change({
    kind: 'warning',
    code: 'PROFILE_COPIED',
    text: 'Another program reads the mailbox of this device: a copy of this profile is running. Stop one of the two, and set up a new device in its place.',
  })
}

/** A copy of this profile's folder was to be run on this machine, and refused. */
export function* noteCopiedFolder(turn: Turn, where: string): Step<void> {
  turn.change({
    kind: 'warning',
    code: 'PROFILE_COPIED',
    text: `A copy of this profile in ${where} was started, and refused: two devices with the same keys would lose messages. Delete the copy; for a second device, make a new one from the 24 words.`,
  })
}

/** Stops sending to an account, and says why; once. */
export function* noteBehind(turn: Turn, account: Bytes32): Step<void> {
  if (yield* isBehind(account)) return
  turn.put(behind, account, turn.nowMs)
  turn.change({
    kind: 'warning',
    code: 'PROFILE_BEHIND',
    account,
    text: 'A contact holds messages of this device that this profile does not know: it was copied or restored. Nothing is sent to that contact from here; set up a new device.',
  })
}

/** Whether this profile must not write to an account any more. */
export function* isBehind(account: Bytes32): Step<boolean> {
  return (yield* get(behind, account)) !== undefined
}
