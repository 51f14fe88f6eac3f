// The keys of a new device, and the first records of its profile: no file and no network here.
import {
  type Bytes32,
  type CryptoProvider,
  type Random,
  accountKeySeed,
  createPhrase,
  nextListVersion,
  openDeviceList,
  phraseSeed,
  rendezvousRoot,
  signDeviceCert,
  signDeviceList,
  wipe,
} from '../../crypto/index.ts'
import {
  RENDEZVOUS_GENERATIONS_MAX,
  type Self,
  type Table,
  deviceLists,
  profiles,
  relayChoices,
  rendezvousRoots,
} from '../../protocol/index.ts'
import { parseRelayAddress } from '../relays/relay-address.ts'
import type { RecordStore } from '../store/record-store.ts'
import { SCHEMA, identities } from './identity-record.ts'

export interface NewIdentity {
  readonly self: Self
  /** Ed25519 seed of the home host's transport key. */
  readonly homeSeed: Bytes32
  /** The signed DeviceList that names this device alone. */
  readonly list: Uint8Array
  /** The 24 words: shown once, kept nowhere. */
  readonly phrase: string
  /** Roots of rendezvous mailboxes, by generation: two where the account is new. */
  readonly rendezvous: readonly Bytes32[]
}

/** A new device of the account behind `phrase`, or of a new account. */
export function newIdentity(options: {
  readonly provider: CryptoProvider
  readonly random: Random
  readonly nowMs: number
  readonly phrase: string | undefined
}): NewIdentity {
  const { provider, random, nowMs } = options
  const phrase = options.phrase ?? createPhrase(random)
  const seed = phraseSeed(phrase)
  const accountSeed = accountKeySeed(provider, seed)
  const deviceSeed = random(32)
  const dhSecret = random(32)
  const self: Self = {
    account: provider.ed25519PublicKey(accountSeed),
    device: provider.ed25519PublicKey(deviceSeed),
    deviceSeed,
    dh: provider.x25519PublicKey(dhSecret),
    dhSecret,
    mailboxRoot: random(32),
  }
  const cert = signDeviceCert(provider, self.account, deviceSeed, self.dh)
  const version = nextListVersion(0, nowMs / 1000)
  const list = signDeviceList(provider, accountSeed, { version, devices: [cert], revoked: [] })
  // A restored account has to find its generation: the first that was never used (SPEC.md §2.6).
  const generations = options.phrase === undefined ? 1 : RENDEZVOUS_GENERATIONS_MAX + 1
  const rendezvous = Array.from({ length: generations + 1 }, (_, generation) =>
    rendezvousRoot(provider, seed, generation),
  )
  wipe(accountSeed, seed)
  return { self, homeSeed: random(32), list, phrase, rendezvous }
}

/** Writes what every profile begins with. */
export async function writeFirstRecords(
  records: RecordStore,
  provider: CryptoProvider,
  identity: NewIdentity,
  first: { readonly name: string; readonly nowMs: number; readonly relays: readonly string[] },
): Promise<void> {
  const { self, homeSeed } = identity
  const list = openDeviceList(provider, identity.list)
  const put = <K, V>(table: Table<K, V>, key: K, value: V) =>
    records.seal(table as Table<never, unknown>, table.place(key), value)
  await records.write([
    put(identities, 0, { schema: SCHEMA, self, homeSeed }),
    put(deviceLists, self.account, {
      version: list.version,
      hash: list.hash,
      bytes: list.bytes,
      devices: [{ device: self.device, dh: self.dh }],
    }),
    put(profiles, 0, {
      name: first.name,
      createdAtMs: first.nowMs,
      home: undefined,
      endpointsCounter: 0,
      endpointsDigest: undefined,
      readReceipts: true,
    }),
    put(rendezvousRoots, 0, { roots: identity.rendezvous, madeAtMs: first.nowMs }),
    ...first.relays.map((text, i) => {
      const slot = i + 1
      return put(relayChoices, slot, { slot, ...parseRelayAddress(text) })
    }),
  ])
}
