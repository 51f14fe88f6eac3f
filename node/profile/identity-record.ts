// The device's own keys as they lie in the store, and the transport seed of its home host.
import {
  type Bytes32,
  CryptoError,
  EMPTY,
  FieldReader,
  decodeCbor,
  encodeCbor,
} from '../../crypto/index.ts'
import type { Self, Table } from '../../protocol/index.ts'

export interface IdentityRecord {
  readonly schema: number
  readonly self: Self
  /** Ed25519 seed of the home host's transport key: separate from every other key. */
  readonly homeSeed: Bytes32
}

/** Version of the records' layout. Rises with a migration; a higher one is refused. */
export const SCHEMA = 1

export const identities: Table<0, IdentityRecord> = {
  name: 'identity',
  sealing: 'value',
  place: () => ({ owner: EMPTY, order: EMPTY }),
  encode: ({ schema, self, homeSeed }) =>
    encodeCbor([
      schema,
      self.account,
      self.device,
      self.deviceSeed,
      self.dh,
      self.dhSecret,
      self.mailboxRoot,
      homeSeed,
    ]),
  decode: (bytes) => {
    const fields = new FieldReader(decodeCbor(bytes, 1_024), 'identity')
    const schema = fields.uint('schema')
    if (schema > SCHEMA) {
      throw new CryptoError('ERR_WIRE_UNSUPPORTED', `a profile of schema ${schema}`)
    }
    const self = {
      account: fields.bytes('account', 32),
      device: fields.bytes('device', 32),
      deviceSeed: fields.bytes('deviceSeed', 32),
      dh: fields.bytes('dh', 32),
      dhSecret: fields.bytes('dhSecret', 32),
      mailboxRoot: fields.bytes('mailboxRoot', 32),
    }
    const homeSeed = fields.bytes('homeSeed', 32)
    fields.end()
    return { schema, self, homeSeed }
  },
}
