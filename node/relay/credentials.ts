// What a relay process proves itself with (SPEC.md §13.2, §13.3): certificate and descriptor under
// the service key, renewed in time, and the key that signs custody.
import type { Bytes32, Bytes64, CryptoProvider } from '../../crypto/index.ts'
import {
  DESCRIPTOR_LIFE_S,
  type MailboxLimits,
  PROCESS_CERT_LIFE_S,
  PROCESS_CERT_RENEW_S,
  type ProcessCert,
  decodeProcessCert,
  signDescriptor,
  signFlush,
  signProcessCert,
} from '../../protocol/index.ts'
import { DESCRIPTOR_RENEW_MS } from './limits.ts'

/** Seeds of 32 bytes. */
export interface RelaySeeds {
  /** Signs certificates and descriptors: the relay's identity. */
  readonly service: Bytes32
  /** Signs custody. */
  readonly process: Bytes32
  /** The libp2p host's. */
  readonly transport: Bytes32
}

export interface CredentialsOptions {
  readonly seeds: Omit<RelaySeeds, 'transport'>
  readonly transportKey: Bytes32
  readonly addresses: () => readonly string[]
  readonly provider: CryptoProvider
  readonly nowMs: () => number
  readonly limits: MailboxLimits
  readonly depositBits: number
  readonly openBits: number
  readonly roles: number
}

/** A clock may be this far behind the relay's and still find the certificate in force. */
const BACKDATE_S = 3_600
const NO_FORWARD_KEY: Bytes32 = new Uint8Array(32)

export class Credentials {
  readonly serviceKey: Bytes32
  readonly processKey: Bytes32
  readonly #options: CredentialsOptions
  #cert: ProcessCert
  #descriptor: { readonly seq: number; readonly bytes: Uint8Array; readonly madeAtMs: number }
  #draining = false

  constructor(options: CredentialsOptions) {
    this.#options = options
    this.serviceKey = options.provider.ed25519PublicKey(options.seeds.service)
    this.processKey = options.provider.ed25519PublicKey(options.seeds.process)
    this.#cert = this.#certify()
    this.#descriptor = this.#describe(0)
  }

  /** The current descriptor, signed anew where half of its life is over. */
  descriptor(): { readonly seq: number; readonly bytes: Uint8Array } {
    const nowMs = this.#options.nowMs()
    if (nowMs / 1000 > this.#cert.notAfterS - PROCESS_CERT_RENEW_S) this.#cert = this.#certify()
    if (nowMs - this.#descriptor.madeAtMs > DESCRIPTOR_RENEW_MS) {
      this.#descriptor = this.#describe(this.#descriptor.seq)
    }
    return this.#descriptor
  }

  /** Says in a new descriptor that this process takes no new work. */
  drain(): void {
    this.#draining = true
    this.#descriptor = this.#describe(this.#descriptor.seq)
  }

  signRoot(flushedAtMs: number, leafCount: number, root: Bytes32): Bytes64 {
    const { provider, seeds } = this.#options
    const { serviceKey, processKey } = this
    const statement = { serviceKey, processKey, flushedAtMs, leafCount, root }
    return signFlush(provider, seeds.process, statement)
  }

  #certify(): ProcessCert {
    const { provider, seeds, transportKey, nowMs } = this.#options
    const notBeforeS = Math.max(0, Math.floor(nowMs() / 1000) - BACKDATE_S)
    const bytes = signProcessCert(provider, seeds.service, {
      serviceKey: this.serviceKey,
      processKey: this.processKey,
      transportKey,
      notBeforeS,
      notAfterS: notBeforeS + PROCESS_CERT_LIFE_S,
    })
    return decodeProcessCert(provider, bytes)
  }

  #describe(lastSeq: number): { seq: number; bytes: Uint8Array; madeAtMs: number } {
    const { provider, seeds, limits } = this.#options
    const madeAtMs = this.#options.nowMs()
    const nowS = Math.floor(madeAtMs / 1000)
    // Time as the sequence number: it rises over restarts without being written down.
    const seq = Math.max(lastSeq + 1, nowS)
    const bytes = signDescriptor(provider, seeds.service, {
      serviceKey: this.serviceKey,
      seq,
      notBeforeS: Math.max(0, nowS - BACKDATE_S),
      expiresS: Math.max(0, nowS - BACKDATE_S) + DESCRIPTOR_LIFE_S,
      processes: [
        {
          cert: this.#cert,
          addresses: this.#options.addresses().slice(0, 8),
          weight: 1,
          draining: this.#draining,
        },
      ],
      roles: this.#options.roles,
      depositBits: this.#options.depositBits,
      openBits: this.#options.openBits,
      forwardKey: NO_FORWARD_KEY,
      majors: [1],
      limits: {
        ttlMaxS: limits.ttlMaxS,
        lanes: limits.lanes.map(({ rows, bytes: size }) => [rows, size] as const),
        ringBytes: limits.ringBytes,
        holdS: Math.min(limits.groupHoldS, limits.groupTtlS),
        strangers: limits.strangers,
      },
    })
    return { seq, bytes, madeAtMs }
  }
}
