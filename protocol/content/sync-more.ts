// Frame 0x1008, sync-more: [1, req, page] acknowledges a page and asks for the next (SPEC.md §10).
import { encodeCbor } from '../../crypto/index.ts'
import { LAMPORT_MAX } from '../limits.ts'
import { versionedFields } from './fields.ts'
import type { ContentKind } from './kind.ts'

export interface SyncMore {
  readonly req: number
  readonly page: number
}

function encode(more: SyncMore): Uint8Array<ArrayBuffer> {
  return encodeCbor([1, more.req, more.page])
}

function decode(body: Uint8Array): SyncMore {
  const fields = versionedFields(body, 'sync-more')
  const more = { req: fields.uint('req', LAMPORT_MAX), page: fields.uint('page', LAMPORT_MAX) }
  fields.end()
  return more
}

export const syncMoreFrame: ContentKind<SyncMore> = {
  kind: 0x1008,
  name: 'sync-more',
  encode,
  decode,
}
