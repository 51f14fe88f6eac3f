// The certificate of one relay process under its service's key (SPEC.md §13.2): it names the key
// that signs custody and the transport key met in Noise, and lives 90 days so that it outlives
// descriptors (48 h) and the evidence that rests on it.
import {
  type Bytes32,
  type CryptoProvider,
  FieldReader,
  decodeCbor,
  encodeCbor,
  malformed,
  verify,
} from '../../crypto/index.ts'
import { decodeSigned, encodeSigned } from './signed-object.ts'

const CERT_MAX_BYTES = 256

export interface ProcessCertBody {
  readonly serviceKey: Bytes32
  /** Signs custody roots. */
  readonly processKey: Bytes32
  /** The raw libp2p key of the process. */
  readonly transportKey: Bytes32
  /** Unix seconds. */
  readonly notBeforeS: number
  readonly notAfterS: number
}

export interface ProcessCert extends ProcessCertBody {
  /** The signed object as received: 183 bytes. */
  readonly bytes: Uint8Array
}

export function signProcessCert(
  provider: CryptoProvider,
  serviceSeed: Bytes32,
  body: ProcessCertBody,
): Uint8Array<ArrayBuffer> {
  const { serviceKey, processKey, transportKey, notBeforeS, notAfterS } = body
  const bytes = encodeCbor([1, serviceKey, processKey, transportKey, notBeforeS, notAfterS])
  return encodeSigned(provider, serviceSeed, 'relay-process', bytes)
}

/** Reads and verifies a certificate. Throws ERR_WIRE_MALFORMED, also where the signature fails. */
export function decodeProcessCert(provider: CryptoProvider, bytes: Uint8Array): ProcessCert {
  const { body, signature } = decodeSigned(bytes, 'process certificate', CERT_MAX_BYTES)
  const fields = new FieldReader(decodeCbor(body, CERT_MAX_BYTES), 'process certificate')
  if (fields.uint('version', 255) !== 1) malformed('process certificate: version')
  const cert = {
    serviceKey: fields.bytes('serviceKey', 32),
    processKey: fields.bytes('processKey', 32),
    transportKey: fields.bytes('transportKey', 32),
    notBeforeS: fields.uint('notBefore'),
    notAfterS: fields.uint('notAfter'),
    bytes,
  }
  fields.end()
  if (!verify(provider, cert.serviceKey, 'relay-process', body, signature)) {
    malformed('process certificate: signature')
  }
  return cert
}

/** Whether a certificate holds at a time (Unix seconds). */
export function certHoldsAt(cert: ProcessCertBody, timeS: number): boolean {
  return timeS >= cert.notBeforeS && timeS <= cert.notAfterS
}

/** Hash by which evidence names the certificate it rests on: H(certificate as received). */
export function certHash(provider: CryptoProvider, cert: ProcessCert): Bytes32 {
  return provider.sha256(cert.bytes)
}
