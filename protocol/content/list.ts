// Frame 0x1101, list (numbered): [c, DeviceList] tells one's own device list, or a contact's newer one,
// as the bytes its signature is over (SPEC.md §2, §8).
import { encodeCbor, LIST_MAX_BYTES } from '../../crypto/index.ts'
import { bodyFields, numberField } from './fields.ts'
import type { ContentKind } from './kind.ts'

export interface ListFrame {
  readonly c: number
  /** A DeviceList, not yet verified. */
  readonly list: Uint8Array
}

function encode(frame: ListFrame): Uint8Array<ArrayBuffer> {
  return encodeCbor([frame.c, frame.list])
}

function decode(body: Uint8Array): ListFrame {
  const fields = bodyFields(body, 'list')
  const frame = { c: numberField(fields), list: fields.bytes('list', 1, LIST_MAX_BYTES) }
  fields.end()
  return frame
}

export const listFrame: ContentKind<ListFrame> = { kind: 0x1101, name: 'list', encode, decode }
