// The key schedule both sides of a handshake share (SPEC.md §5).
import { type Bytes, type Bytes16, type Bytes32, concat, lengthPrefixed, u16 } from './bytes.ts'
import { SUITE } from './handshake-init.ts'
import { hkdfExpand, hkdfExtract } from './kdf.ts'
import { label } from './labels.ts'
import { PQ_IDLE } from './pq-rekey.ts'
import type { CryptoProvider } from './provider.ts'
import type { RatchetState } from './ratchet-state.ts'

const ALL_ONES: Uint8Array = new Uint8Array(32).fill(0xff)
const SUITE_BYTES: Uint8Array = u16(SUITE)

/** What a finished handshake gives, the same on both sides but for the state. */
export interface HandshakeResult {
  readonly state: RatchetState
  /** T: what an invite proof is made over. */
  readonly transcript: Bytes32
  /** h = H(L("ek") ‖ EK): names the handshake. */
  readonly handshakeId: Bytes32
}

export interface Agreement {
  readonly dh2: Uint8Array
  readonly dh3: Uint8Array
  readonly secret: Uint8Array
}

/** ck of DH2, DH3 and SS, which are wiped. DH1 and DH4 come later: the identity opens without. */
export function agree(provider: CryptoProvider, shared: Agreement): Uint8Array<ArrayBuffer> {
  const salt = provider.sha256(label('hs'), SUITE_BYTES)
  const ikm = concat(ALL_ONES, shared.dh2, shared.dh3, shared.secret)
  const ck = hkdfExtract(provider, salt, ikm)
  for (const secret of [ikm, shared.dh2, shared.dh3, shared.secret]) secret.fill(0)
  return ck
}

/** K_id = Expand(ck, L("hs-id"), 32). */
export function identityKey(provider: CryptoProvider, ck: Uint8Array): Uint8Array<ArrayBuffer> {
  return hkdfExpand(provider, ck, label('hs-id'), 32)
}

/** One side as the transcript names it: AK, DK, DDH. */
export interface Party {
  readonly account: Bytes32
  readonly device: Bytes32
  readonly dh: Bytes32
}

export interface TranscriptInput {
  readonly initiator: Party
  readonly responder: Party
  readonly spk: Bytes32
  readonly opk: Bytes32 | undefined
  readonly kem: Bytes<1184>
  readonly init: Uint8Array
}

/** T: H over the length-prefixed identities, prekeys and the whole init. */
export function transcriptOf(
  provider: CryptoProvider,
  input: TranscriptInput,
): Uint8Array<ArrayBuffer> {
  const { initiator: a, responder: b } = input
  const parts = [
    SUITE_BYTES,
    a.account,
    a.device,
    a.dh,
    b.account,
    b.device,
    b.dh,
    input.spk,
    input.opk ?? new Uint8Array(0),
    provider.sha256(input.kem),
    input.init,
  ]
  return provider.sha256(label('hs-transcript'), ...parts.map(lengthPrefixed))
}

export interface SessionKeys {
  readonly rootKey: Bytes32
  readonly initiatorHeaderKey: Bytes32
  readonly responderNextKey: Bytes32
  readonly sid: Bytes16
  readonly ad: Bytes32
}

/** RK0 ‖ HK_i ‖ NHK_r ‖ sid = Expand(Extract(T, ck ‖ DH1 ‖ [DH4]), L("pqxdh"), 112); wipes its input. */
export function deriveKeys(
  provider: CryptoProvider,
  transcript: Bytes32,
  secrets: readonly Uint8Array[],
): SessionKeys {
  const ikm = concat(...secrets)
  const key = hkdfExtract(provider, transcript, ikm)
  const okm = hkdfExpand(provider, key, label('pqxdh'), 112)
  for (const secret of [ikm, key, ...secrets]) secret.fill(0)
  return {
    rootKey: okm.slice(0, 32),
    initiatorHeaderKey: okm.slice(32, 64),
    responderNextKey: okm.slice(64, 96),
    sid: okm.slice(96, 112),
    ad: provider.sha256(label('ad'), transcript),
  }
}

/** What every ratchet state begins with, on either side. */
export const FRESH_RATCHET: Pick<
  RatchetState,
  | 'receiving'
  | 'oldEphemeralKey'
  | 'previousCount'
  | 'chainNumber'
  | 'oldChains'
  | 'confirmed'
  | 'pqEpoch'
  | 'pq'
  | 'pqMessages'
> = {
  receiving: undefined,
  oldEphemeralKey: undefined,
  previousCount: 0,
  chainNumber: 0,
  oldChains: [],
  confirmed: false,
  pqEpoch: 0,
  pq: PQ_IDLE,
  pqMessages: 0,
}
