// Making a profile, as the API offers it.
import { CryptoError, encodeText, parsePhrase } from '../crypto/index.ts'
import { NAME_MAX_BYTES } from '../protocol/index.ts'
import { systemClock } from './clock.ts'
import { NodeError } from './errors.ts'
import { nativeCrypto } from './native-crypto.ts'
import { pooledRandom } from './random.ts'
import { parseRelayAddress } from './relays/relay-address.ts'
import { createProfile } from './profile/create-profile.ts'
import { vaultNeedsPassphrase } from './profile/vault.ts'

export interface InitProfileOptions {
  readonly dir: string
  /** What contacts see at first: 1 to 64 bytes of UTF-8. */
  readonly name: string
  /** Undefined: no passphrase. Whoever reads the folder then reads everything in it. */
  readonly passphrase?: string
  /** 24 words of an account that exists: the same address, a new device. */
  readonly phrase?: string
  /** Relays to use: multiaddr/p2p/PeerId. */
  readonly relays?: readonly string[]
}

export interface InitialisedProfile {
  readonly name: string
  readonly address: string
  /** The 24 words of the account. They are shown once and kept nowhere. */
  readonly phrase: string
}

function checkName(name: string): string {
  const trimmed = name.trim()
  const size = /\p{Surrogate}/u.test(trimmed) ? 0 : encodeText(trimmed).length
  if (size < 1 || size > NAME_MAX_BYTES) {
    throw new NodeError('INVALID', `a name has 1 to ${NAME_MAX_BYTES} bytes`, {
      hint: 'Choose a shorter one: sotto init --name NAME',
    })
  }
  return trimmed
}

function checkPhrase(phrase: string): string {
  try {
    return parsePhrase(phrase)
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause
    throw new NodeError('INVALID', cause.message, {
      hint: 'The 24 words, in their order, separated by spaces.',
      cause,
    })
  }
}

/** Makes a profile. Rejects with EXISTS, INVALID, ADDRESS_INVALID, NOT_WRITABLE, DISK_FULL. */
export async function initProfile(options: InitProfileOptions): Promise<InitialisedProfile> {
  const name = checkName(options.name)
  const relays = options.relays ?? []
  for (const text of relays) parseRelayAddress(text)
  const { dir, passphrase } = options
  const created = await createProfile({
    dir,
    name,
    passphrase,
    phrase: options.phrase === undefined ? undefined : checkPhrase(options.phrase),
    provider: nativeCrypto,
    random: pooledRandom,
    clock: systemClock,
    relays,
  })
  return { name, ...created }
}

/** Whether a profile asks for a passphrase. Rejects with NOT_INITIALISED where there is none. */
export function profileNeedsPassphrase(dir: string): Promise<boolean> {
  return vaultNeedsPassphrase(dir)
}
