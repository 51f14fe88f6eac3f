// Frame 0x1004, list-request: [1, AK32|"" (yours), version held] asks for a newer device list (SPEC.md §8).
import { type Bytes32, encodeCbor } from '../../crypto/index.ts'
import { optionalBytes, versionedFields } from './fields.ts'
import type { ContentKind } from './kind.ts'

export interface ListRequest {
  /** Whose list; undefined is that of the account asked. */
  readonly account: Bytes32 | undefined
  /** The version held; 0 for none. */
  readonly version: number
}

function encode(request: ListRequest): Uint8Array<ArrayBuffer> {
  return encodeCbor([1, optionalBytes(request.account), request.version])
}

function decode(body: Uint8Array): ListRequest {
  const fields = versionedFields(body, 'list-request')
  const request = { account: fields.optional('account', 32), version: fields.uint('version') }
  fields.end()
  return request
}

export const listRequestFrame: ContentKind<ListRequest> = {
  kind: 0x1004,
  name: 'list-request',
  encode,
  decode,
}
