// The one row about the store itself: [schema, storeEpoch b8, safeNow ms] (SPEC.md §14.1).
import {
  type Bytes8,
  FieldReader,
  type Random,
  decodeCbor,
  encodeCbor,
} from '../../crypto/index.ts'
import { NodeError } from '../errors.ts'
import type { Store, StoreWrite } from '../store.ts'
import { SERVICE_KEY } from './row-keys.ts'

const SCHEMA = 1

export interface StoreHead {
  /** Random; new at each restore, so that every mailbox shows another incarnation. */
  readonly storeEpoch: Bytes8
  /** safeNow as last written, Unix ms; undefined in a new store. */
  readonly safeNowMs: number | undefined
}

export function writeHead(storeEpoch: Bytes8, safeNowMs: number): StoreWrite {
  return { key: SERVICE_KEY, value: encodeCbor([SCHEMA, storeEpoch, safeNowMs]) }
}

/**
 * Reads the row; makes one in an empty store. Rejects with VERSION_UNSUPPORTED, or CORRUPT_STORE
 * where there are rows but not this one.
 */
export async function readHead(store: Store, random: Random): Promise<StoreHead> {
  const [bytes] = await store.get([SERVICE_KEY])
  if (bytes !== undefined) {
    const fields = new FieldReader(decodeCbor(bytes, 64), 'store head')
    const schema = fields.uint('schema')
    if (schema !== SCHEMA) {
      throw new NodeError('VERSION_UNSUPPORTED', `the relay's store has schema ${schema}`, {
        hint: 'use the version that wrote it, or a later one',
      })
    }
    return { storeEpoch: fields.bytes('epoch', 8), safeNowMs: fields.uint('safeNow') }
  }
  const any = await store.range({ from: Uint8Array.of(0), to: Uint8Array.of(0xff), limit: 1 })
  if (any.length > 0) {
    throw new NodeError('CORRUPT_STORE', 'the relay store has rows but no head', {
      hint: 'restore it from a backup: sotto relay restore',
    })
  }
  return { storeEpoch: random(8), safeNowMs: undefined }
}
