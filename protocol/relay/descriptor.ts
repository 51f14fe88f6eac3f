// What a relay service says about itself, signed by its service key (SPEC.md §13.3): its
// processes, what it takes, and how much of it. The highest sequence number wins.
import {
  type Bytes32,
  type CborValue,
  type CryptoProvider,
  FieldReader,
  decodeCbor,
  decodeText,
  encodeCbor,
  encodeText,
  equalBytes,
  malformed,
  verify,
} from '../../crypto/index.ts'
import {
  DESCRIPTOR_LIFE_S,
  DESCRIPTOR_MAX_BYTES,
  PROCESSES_MAX,
  PROCESS_ADDRESSES_MAX,
} from './limits.ts'
import { type ProcessCert, certHoldsAt, decodeProcessCert } from './process-cert.ts'
import { decodeSigned, encodeSigned } from './signed-object.ts'

const ADDRESS_MAX_BYTES = 128
const CERT_MAX_BYTES = 256

export interface DescribedProcess {
  readonly cert: ProcessCert
  /** Multiaddrs as text, without /p2p. */
  readonly addresses: readonly string[]
  readonly weight: number
  /** It takes no new work: use another process or relay. */
  readonly draining: boolean
}

/** What a service takes, as it states it. */
export interface DescriptorLimits {
  readonly ttlMaxS: number
  /** Rows and bytes of lanes 0 (contacts), 1 (strangers), 2 (own devices). */
  readonly lanes: readonly (readonly [rows: number, bytes: number])[]
  readonly ringBytes: number
  readonly holdS: number
  /** Whether lane 1 is open. */
  readonly strangers: boolean
}

export interface DescriptorBody {
  readonly serviceKey: Bytes32
  readonly seq: number
  /** Unix seconds; expires at most 48 h after notBefore. */
  readonly notBeforeS: number
  readonly expiresS: number
  readonly processes: readonly DescribedProcess[]
  /** Bits as in HELLO's features. */
  readonly roles: number
  readonly depositBits: number
  readonly openBits: number
  /** X25519 key for FORWARD; 32 zero bytes where the role is off. */
  readonly forwardKey: Bytes32
  readonly majors: readonly number[]
  readonly limits: DescriptorLimits
}

export interface Descriptor extends DescriptorBody {
  /** The signed object as received. */
  readonly bytes: Uint8Array
}

function encodeProcess(process: DescribedProcess): CborValue {
  return [
    process.cert.bytes,
    process.addresses.map(encodeText),
    process.weight,
    process.draining ? 1 : 0,
  ]
}

export function signDescriptor(
  provider: CryptoProvider,
  serviceSeed: Bytes32,
  body: DescriptorBody,
): Uint8Array<ArrayBuffer> {
  const { limits } = body
  const bytes = encodeCbor([
    1,
    body.serviceKey,
    body.seq,
    body.notBeforeS,
    body.expiresS,
    body.processes.map(encodeProcess),
    body.roles,
    [body.depositBits, body.openBits],
    body.forwardKey,
    body.majors,
    [
      limits.ttlMaxS,
      ...limits.lanes.flat(),
      limits.ringBytes,
      limits.holdS,
      limits.strangers ? 1 : 0,
    ],
  ])
  return encodeSigned(provider, serviceSeed, 'relay-desc', bytes)
}

function decodeProcess(provider: CryptoProvider, value: CborValue): DescribedProcess {
  const fields = new FieldReader(value, 'descriptor.process')
  const cert = decodeProcessCert(provider, fields.bytes('cert', 1, CERT_MAX_BYTES))
  const values = fields.array('addresses', 0, PROCESS_ADDRESSES_MAX)
  const addresses = new FieldReader(values, 'descriptor.addresses')
  const texts = values.map(() => {
    const text = decodeText(addresses.bytes('address', 1, ADDRESS_MAX_BYTES))
    return text ?? malformed('descriptor.address: not UTF-8')
  })
  const process = {
    cert,
    addresses: texts,
    weight: fields.uint('weight', 0xffff),
    draining: fields.flag('draining'),
  }
  fields.end()
  return process
}

function decodeLimits(fields: FieldReader): DescriptorLimits {
  const ttlMaxS = fields.uint('maxTtl')
  const lane = (): readonly [number, number] => [fields.uint('rows'), fields.uint('bytes')]
  const limits = {
    ttlMaxS,
    lanes: [lane(), lane(), lane()],
    ringBytes: fields.uint('ringBytes'),
    holdS: fields.uint('holdSeconds'),
    strangers: fields.flag('strangers'),
  }
  fields.end()
  return limits
}

/**
 * Reads a descriptor and verifies it with all its certificates: signature under the key it names,
 * every certificate of that service. Whether it is the expected service, and current, is
 * {@link processOf}'s. Throws ERR_WIRE_MALFORMED.
 */
export function decodeDescriptor(provider: CryptoProvider, bytes: Uint8Array): Descriptor {
  const { body, signature } = decodeSigned(bytes, 'descriptor', DESCRIPTOR_MAX_BYTES)
  const fields = new FieldReader(decodeCbor(body, DESCRIPTOR_MAX_BYTES), 'descriptor')
  if (fields.uint('version', 255) !== 1) malformed('descriptor: version')
  const serviceKey = fields.bytes('serviceKey', 32)
  // First of all: nothing else in it is worth reading, or verifying, unless this holds.
  if (!verify(provider, serviceKey, 'relay-desc', body, signature)) {
    malformed('descriptor: signature')
  }
  const seq = fields.uint('seq')
  const notBeforeS = fields.uint('notBefore')
  const expiresS = fields.uint('expires')
  const processes = fields
    .array('processes', 1, PROCESSES_MAX)
    .map((value) => decodeProcess(provider, value))
  const roles = fields.uint('roles')
  const bits = fields.nested('bits')
  const depositBits = bits.uint('depositBits', 255)
  const openBits = bits.uint('openBits', 255)
  bits.end()
  const forwardKey = fields.bytes('forwardKey', 32)
  const majorValues = fields.array('majors', 1, 16)
  const majors = new FieldReader(majorValues, 'descriptor.majors')
  const descriptor: Descriptor = {
    serviceKey,
    seq,
    notBeforeS,
    expiresS,
    processes,
    roles,
    depositBits,
    openBits,
    forwardKey,
    majors: majorValues.map(() => majors.uint('major', 255)),
    limits: decodeLimits(fields.nested('limits')),
    bytes,
  }
  fields.end()
  if (expiresS < notBeforeS || expiresS > notBeforeS + DESCRIPTOR_LIFE_S) {
    malformed('descriptor: life')
  }
  if (processes.some(({ cert }) => !equalBytes(cert.serviceKey, serviceKey))) {
    malformed('descriptor: certificate of another service')
  }
  return descriptor
}

/** A clock of a client may be behind or ahead of a relay's by this, in seconds. */
const SKEW_S = 600

/**
 * The process whose certificate names the transport key met in Noise, where descriptor and
 * certificate hold at `timeS` (the relay's HELLO time); undefined: close the stream.
 */
export function processOf(
  descriptor: Descriptor,
  transportKey: Bytes32,
  timeS: number,
): DescribedProcess | undefined {
  if (timeS < descriptor.notBeforeS - SKEW_S || timeS > descriptor.expiresS) return undefined
  return descriptor.processes.find(
    ({ cert }) => equalBytes(cert.transportKey, transportKey) && certHoldsAt(cert, timeS),
  )
}
