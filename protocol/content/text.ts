// Entry kind 0x0001, text: body [text 1..49152 B, not only white space, replyTo id32|""] + (SPEC.md §8).
import {
  type Bytes32,
  encodeCbor,
  encodeText,
  decodeText,
  EMPTY,
  malformed,
} from '../../crypto/index.ts'
import { ProtocolError } from '../errors.ts'
import { TEXT_MAX_BYTES } from '../limits.ts'
import { bodyFields } from './fields.ts'
import type { ContentKind } from './kind.ts'

export interface TextContent {
  readonly text: string
  /** The entry it answers. */
  readonly replyTo: Bytes32 | undefined
}

/** Throws ERR_PROTOCOL_EMPTY and ERR_PROTOCOL_TOO_LARGE: what a user typed is refused, not cut. */
function encode(value: TextContent): Uint8Array<ArrayBuffer> {
  const bytes = encodeText(value.text)
  if (value.text.trim() === '') {
    throw new ProtocolError('ERR_PROTOCOL_EMPTY', 'the text is empty or only white space')
  }
  if (bytes.length > TEXT_MAX_BYTES) {
    throw new ProtocolError('ERR_PROTOCOL_TOO_LARGE', 'the text is too long', {
      detail: { sizeBytes: bytes.length, maxBytes: TEXT_MAX_BYTES },
    })
  }
  return encodeCbor([bytes, value.replyTo ?? EMPTY])
}

function decode(body: Uint8Array): TextContent {
  const fields = bodyFields(body, 'text')
  const text = decodeText(fields.bytes('text', 1, TEXT_MAX_BYTES))
  if (text === undefined) malformed('text: not UTF-8')
  if (text.trim() === '') malformed('text: only white space')
  return { text, replyTo: fields.optional('replyTo', 32) }
}

export const textContent: ContentKind<TextContent> = { kind: 0x0001, name: 'text', encode, decode }
