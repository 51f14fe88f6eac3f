// The prekeys of this device as the session machine asks for them (SPEC.md §4, §5).
import { consumePrekey, findPrekey } from '../prekeys/find.ts'
import type { OneTime, PrekeySource } from '../session/prekey-source.ts'
import type { Step, Turn } from '../step.ts'

function oneTime(found: Uint8Array | 'consumed' | 'unknown'): OneTime<Uint8Array> {
  return found instanceof Uint8Array ? { kind: 'live', key: found } : { kind: found }
}

export function prekeySource(turn: Turn): PrekeySource {
  const pair = (secret: Uint8Array) => ({
    secret,
    publicKey: turn.crypto.x25519PublicKey(secret),
  })
  return {
    *spk(id) {
      const found = yield* findPrekey('spk', id)
      return found instanceof Uint8Array ? pair(found) : undefined
    },
    *kem(id) {
      return oneTime(yield* findPrekey('kem', id))
    },
    *opk(id) {
      const found = oneTime(yield* findPrekey('opk', id))
      return found.kind === 'live' ? { kind: 'live', key: pair(found.key) } : found
    },
    *consume({ opkId, kemId }): Step<void> {
      if (opkId !== 0) yield* consumePrekey(turn, 'opk', opkId)
      yield* consumePrekey(turn, 'kem', kemId)
    },
  }
}
