// The intro that every message carries to a device from which nothing was ever received: who
// writes, by which invite, and where answers go (SPEC.md §3).
import { type Bytes32, inviteProof } from '../../crypto/index.ts'
import { introFrame } from '../content/intro.ts'
import { frameOf } from '../content/kind.ts'
import type { Frame } from '../frames.ts'
import { mailboxesFor } from '../peers/handed-capability.ts'
import type { Peer } from '../peers/peer.ts'
import { profile } from '../profile.ts'
import type { Step, Turn } from '../step.ts'

/** The intro to a device, for the session whose transcript this is. */
export function* introFor(turn: Turn, peer: Peer, transcript: Bytes32): Step<Frame> {
  const { name } = yield* profile()
  const mailboxes = yield* mailboxesFor(turn, peer.device)
  const { invite } = peer
  return frameOf(introFrame, {
    invite:
      invite === undefined
        ? undefined
        : { id: invite.inviteId, proof: inviteProof(turn.crypto, invite.secret, transcript) },
    name,
    mailboxes,
  })
}
