// Control objects of a group: signed by a device, inside its group messages (SPEC.md §20.5). Each is
// [body bstr, sig64] with body = [1, r, ..]; r rises with every object of a device in a group, of
// whatever kind, so that an old one is known for what it is.
import {
  type Bytes32,
  type CborValue,
  type CryptoProvider,
  controlHolds,
  decodeSignedObject,
  encodeCbor,
  type FieldReader,
  malformed,
  signControl,
  type SignedObject,
} from '../../crypto/index.ts'
import { FRAMES_MAX_BYTES, LAMPORT_MAX } from '../limits.ts'
import { versionedFields } from './fields.ts'
import type { ContentKind } from './kind.ts'

/** A control object with its value read; whether its signature holds is not judged by decoding. */
export interface Control<T> {
  readonly r: number
  readonly value: T
  readonly signed: SignedObject
}

/** How the fields after r are written and read. */
interface ControlBody<T> {
  readonly kind: number
  readonly name: string
  readonly write: (value: T) => readonly CborValue[]
  readonly read: (fields: FieldReader) => T
}

/** A kind of control object, as the registry knows it. */
export interface ControlKind<T> extends ContentKind<Control<T>> {
  readonly write: (value: T) => readonly CborValue[]
}

export function controlKind<T>({ kind, name, write, read }: ControlBody<T>): ControlKind<T> {
  const decode = (bytes: Uint8Array): Control<T> => {
    const signed = decodeSignedObject(bytes, FRAMES_MAX_BYTES, name)
    const fields = versionedFields(signed.body, name)
    const r = fields.uint('r', LAMPORT_MAX)
    if (r < 1) malformed(`${name}: r is 0`)
    const value = read(fields)
    fields.end()
    return { r, value, signed }
  }
  const encode = ({ signed }: Control<T>): Uint8Array<ArrayBuffer> =>
    encodeCbor([signed.body, signed.signature])
  return { kind, name, encode, decode, write }
}

export interface ControlSigner {
  readonly group: Bytes32
  readonly deviceSeed: Bytes32
  /** Higher than of any control object this device ever signed in the group. */
  readonly r: number
}

/** Signs a control object: the body of its frame. */
export function signControlFrame<T>(
  provider: CryptoProvider,
  kind: ControlKind<T>,
  { group, deviceSeed, r }: ControlSigner,
  value: T,
): Uint8Array<ArrayBuffer> {
  const body = encodeCbor([1, r, ...kind.write(value)])
  return signControl(provider, deviceSeed, { group, kind: kind.kind }, body)
}

/** Whether a control object was signed by this device, for this group, as this kind. */
export function controlIsGenuine(
  provider: CryptoProvider,
  context: { readonly group: Bytes32; readonly kind: number; readonly device: Bytes32 },
  control: Pick<Control<unknown>, 'signed'>,
): boolean {
  return controlHolds(provider, context.device, context, control.signed)
}
