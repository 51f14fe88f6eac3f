// Frame 0x2000, typing (ephemeral): [conv|"", 0|1]; it lapses by itself (SPEC.md §8).
import { type Bytes32, encodeCbor } from '../../crypto/index.ts'
import { bodyFields, conversationField, optionalBytes } from './fields.ts'
import type { ContentKind } from './kind.ts'

export interface Typing {
  readonly conversation: Bytes32 | undefined
  readonly typing: boolean
}

function encode(value: Typing): Uint8Array<ArrayBuffer> {
  return encodeCbor([optionalBytes(value.conversation), value.typing ? 1 : 0])
}

function decode(body: Uint8Array): Typing {
  const fields = bodyFields(body, 'typing')
  const value = { conversation: conversationField(fields), typing: fields.flag('typing') }
  fields.end()
  return value
}

export const typingFrame: ContentKind<Typing> = { kind: 0x2000, name: 'typing', encode, decode }
