// People and operations of the fast form: of the right shape and without signatures, which the
// membership does not look at. So a schedule costs no curve arithmetic.
import {
  type CryptoProvider,
  type DeviceList,
  EMPTY,
  type GroupOp,
  type GroupOpRef,
  commitLength,
  decodeDeviceList,
  decodeGroupOp,
  encodeCbor,
} from '../../../crypto/index.ts'
import { nativeCrypto } from '../../../node/native-crypto.ts'
import {
  type DraftPayload,
  type GroupDag,
  type GroupFault,
  draftCreate,
  draftOp,
} from '../../../protocol/index.ts'

export const crypto: CryptoProvider = nativeCrypto
const NO_SIGNATURE = new Uint8Array(64)

export interface PurePerson {
  readonly name: string
  readonly account: Uint8Array
  readonly device: Uint8Array
  readonly list: DeviceList
}

export function bytesOf(...words: readonly (string | number)[]): Uint8Array<ArrayBuffer> {
  return crypto.sha256(Uint8Array.from(words.join('|'), (c) => c.charCodeAt(0)))
}

function purePerson(name: string): PurePerson {
  const account = bytesOf('account', name)
  const device = bytesOf('device', name)
  const certs = [[1, device, bytesOf('dh', name), NO_SIGNATURE]]
  const body = encodeCbor([1, account, 1, EMPTY, certs, []])
  const list = decodeDeviceList(crypto, encodeCbor([body, NO_SIGNATURE]))
  return { name, account, device, list }
}

/** The same in every schedule: making them costs more than most of what they do. */
export const PURE_PEOPLE: readonly PurePerson[] = ['ann', 'bob', 'cat', 'dan', 'eve', 'fay'].map(
  purePerson,
)

/** Gives a core its place in bytes, with no signature and a commitment of zeros. */
function finish(core: Uint8Array, payload: DraftPayload): GroupOp {
  const probe = { ...payload, recipientsHash: NO_SIGNATURE.subarray(0, 32) }
  const commit = new Uint8Array(commitLength(probe) ?? 0)
  return decodeGroupOp(crypto, encodeCbor([core, commit, NO_SIGNATURE]))
}

export function pureCreate(creator: PurePerson, salt: string, settings: number): GroupOp {
  const draft = draftCreate(crypto, creator, {
    random: bytesOf('group', salt),
    name: 'group',
    settings,
    list: creator.list,
    relays: [],
  })
  return decodeGroupOp(crypto, encodeCbor([draft.core, new Uint8Array(64), NO_SIGNATURE]))
}

/** An operation that its author's own membership finds valid, or why it does not. */
export function pureOp(
  dag: GroupDag,
  author: PurePerson,
  payload: DraftPayload,
  parents?: readonly GroupOpRef[],
): GroupOp | GroupFault {
  const draft = draftOp(crypto, dag, author, payload, parents)
  return typeof draft === 'string' ? draft : finish(draft.core, payload)
}
