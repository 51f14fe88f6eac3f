// The prekey store as a handshake sees it (SPEC.md §4, §5).
import type { Bytes64 } from '../../crypto/index.ts'
import { type HandshakePrekey, consumePrekey, findPrekey } from '../prekeys/find.ts'
import type { Step, Turn } from '../step.ts'
import type { OneTime, PrekeySource, SecretKeyPair } from './prekey-source.ts'

/** This device's own prekeys. */
export function ownPrekeys(turn: Turn): PrekeySource {
  function* find(kind: HandshakePrekey, id: number): Step<OneTime<Uint8Array>> {
    const found = yield* findPrekey(kind, id)
    return typeof found === 'string' ? { kind: found } : { kind: 'live', key: found }
  }
  const pair = (secret: Uint8Array): SecretKeyPair => ({
    secret,
    publicKey: turn.crypto.x25519PublicKey(secret),
  })
  return {
    *spk(id) {
      const found = yield* find('spk', id)
      return found.kind === 'live' ? pair(found.key) : undefined
    },
    *kem(id): Step<OneTime<Bytes64>> {
      return yield* find('kem', id)
    },
    *opk(id) {
      const found = yield* find('opk', id)
      return found.kind === 'live' ? { kind: 'live', key: pair(found.key) } : found
    },
    *consume({ opkId, kemId }) {
      yield* consumePrekey(turn, 'opk', opkId)
      yield* consumePrekey(turn, 'kem', kemId)
    },
  }
}
