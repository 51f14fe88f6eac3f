// What this device says of itself: its name, where its home host is met, and the counter of its
// endpoints. One record.
import { ADDRESSES_MAX, type Bytes32, EMPTY, encodeText, readAddress } from '../crypto/index.ts'
import type { HomeHost } from './content/endpoints.ts'
import { ProtocolError } from './errors.ts'
import { NAME_MAX_BYTES } from './limits.ts'
import { encodeRecord, orEmpty, readRecord, text, textField } from './record.ts'
import { type Step, type Table, get } from './step.ts'

export interface Profile {
  readonly name: string
  readonly createdAtMs: number
  /** The home host, without addresses where it listens nowhere; undefined before the first start. */
  readonly home: HomeHost | undefined
  /** Rises when mailboxes, home host or seal key change. */
  readonly endpointsCounter: number
  /** Hash of what the counter stands for. */
  readonly endpointsDigest: Bytes32 | undefined
  /** Whether read marks are told to contacts. */
  readonly readReceipts: boolean
}

export const profiles: Table<0, Profile> = {
  name: 'profile',
  sealing: 'value',
  place: () => ({ owner: EMPTY, order: EMPTY }),
  encode: (profile) =>
    encodeRecord([
      text(profile.name),
      profile.createdAtMs,
      profile.home === undefined
        ? []
        : [profile.home.transportKey, profile.home.addresses.map(encodeText)],
      profile.endpointsCounter,
      orEmpty(profile.endpointsDigest),
      profile.readReceipts ? 1 : 0,
    ]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'profile')
    const name = textField(fields, 'name', NAME_MAX_BYTES)
    const createdAtMs = fields.uint('createdAt')
    const homeFields = fields.nested('home')
    const home =
      homeFields.left === 0
        ? undefined
        : {
            transportKey: homeFields.bytes('transportKey', 32),
            addresses: homeFields.array('addresses', 0, ADDRESSES_MAX).map(readAddress),
          }
    return {
      name,
      createdAtMs,
      home,
      endpointsCounter: fields.uint('counter'),
      endpointsDigest: fields.optional('digest', 32),
      readReceipts: fields.flag('readReceipts'),
    }
  },
}

export function* profile(): Step<Profile> {
  const row = yield* get(profiles, 0)
  if (row === undefined) throw new ProtocolError('ERR_PROTOCOL_STATE', 'the profile has no record')
  return row
}
