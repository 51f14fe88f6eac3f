// Which relay is at the other end (SPEC.md §12.1): its descriptor must verify under the expected
// service key, and one current certificate in it must name the key met in Noise.
import { type Bytes16, type Bytes32, type CryptoProvider, equalBytes } from '../../crypto/index.ts'
import {
  type Descriptor,
  type OpReply,
  type ProcessCert,
  decodeDescriptor,
  processOf,
  serviceKeyHash,
} from '../../protocol/index.ts'
import { NodeError } from '../errors.ts'

/** How the relay is known beforehand. */
export type ExpectedRelay =
  /** From an earlier visit, or a contact's mailbox. */
  | { readonly serviceKey: Bytes32; readonly descriptor?: Descriptor }
  /** From an invite: 16 bytes. */
  | { readonly serviceKeyHash: Bytes16 }
  /** By the peer id in its address alone: the service key it shows is to be kept from then on. */
  | { readonly pinned: true }

export interface KnownRelay {
  readonly serviceKey: Bytes32
  readonly descriptor: Descriptor
  readonly cert: ProcessCert
}

function impostor(what: string): NodeError {
  return new NodeError('RELAY_UNREACHABLE', `the relay could not prove who it is: ${what}`, {
    hint: 'check the address; if the relay was set up anew, it is another relay',
  })
}

/** Whether the key shown is the one expected; what `pinned` expects is settled by the dial. */
export function isExpected(
  provider: CryptoProvider,
  expected: ExpectedRelay,
  shown: Bytes32,
): boolean {
  if ('serviceKey' in expected) return equalBytes(expected.serviceKey, shown)
  if ('serviceKeyHash' in expected) {
    return equalBytes(expected.serviceKeyHash, serviceKeyHash(provider, shown))
  }
  return true
}

/** Checks HELLO and descriptor. Throws NodeError RELAY_UNREACHABLE, or ERR_WIRE_MALFORMED. */
export function identifyRelay(
  provider: CryptoProvider,
  expected: ExpectedRelay,
  shown: {
    readonly hello: OpReply<'hello'>
    readonly descriptor: Uint8Array | undefined
    readonly transportKey: Bytes32
  },
): KnownRelay {
  const { hello, transportKey } = shown
  if (!isExpected(provider, expected, hello.serviceKey)) throw impostor('another service key')
  const held = 'descriptor' in expected ? expected.descriptor : undefined
  const descriptor =
    shown.descriptor === undefined ? held : decodeDescriptor(provider, shown.descriptor)
  if (descriptor === undefined) throw impostor('no descriptor')
  if (!equalBytes(descriptor.serviceKey, hello.serviceKey)) throw impostor('another descriptor')
  const process = processOf(descriptor, transportKey, Math.floor(hello.timeMs / 1000))
  if (process === undefined) throw impostor('no certificate for its transport key')
  return { serviceKey: hello.serviceKey, descriptor, cert: process.cert }
}
