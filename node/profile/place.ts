// Which file on which disk this profile lies beside (SPEC.md §11.4). A copy of the folder has the
// same keys and would use them a second time: it is noticed by the inode and the birth time of one
// file, which a move on the same file system keeps and a copy cannot.
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import {
  EMPTY,
  FieldReader,
  type Random,
  decodeCbor,
  encodeCbor,
  encodeText,
  decodeText,
  u64,
} from '../../crypto/index.ts'
import type { Table } from '../../protocol/index.ts'
import { NodeError } from '../errors.ts'
import type { RecordStore } from '../store/record-store.ts'
import { leaveCopyNote } from './copies.ts'
import { fileError, profilePaths, readIfThere, replaceFile } from './files.ts'

interface FilePlace {
  readonly inode: bigint
  /** Nanoseconds since 1970; 0 where the file system does not keep it. */
  readonly bornAtNs: bigint
  /** What the file holds: a folder put together from two profiles is noticed too. */
  readonly token: Uint8Array
  /** The folder's path when it was last opened: where a copy finds its original. */
  readonly path: string
}

/** Longest path that is kept; a longer one is not. */
const PATH_MAX_BYTES = 4_096

const TOKEN_BYTES = 16
const NS_PER_MS = 1_000_000n

/** A u64 of more than 53 bits as bytes. */
function wide(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, value)
  return bytes
}

function readWide(bytes: Uint8Array): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0)
}

const places: Table<0, FilePlace> = {
  name: 'place',
  sealing: 'value',
  place: () => ({ owner: EMPTY, order: u64(0) }),
  encode: ({ inode, bornAtNs, token, path }) =>
    encodeCbor([wide(inode), wide(bornAtNs), token, encodeText(path)]),
  decode: (bytes) => {
    const fields = new FieldReader(decodeCbor(bytes, PATH_MAX_BYTES + 64), 'place')
    const place = {
      inode: readWide(fields.bytes('inode', 8)),
      bornAtNs: readWide(fields.bytes('born at', 8)),
      token: fields.bytes('token', TOKEN_BYTES),
      // Profiles of the first version do not say.
      path: fields.left === 0 ? '' : (decodeText(fields.bytes('path', 0, PATH_MAX_BYTES)) ?? ''),
    }
    fields.end()
    return place
  },
}
const anyPlaces = places as Table<never, unknown>

async function look(dir: string): Promise<FilePlace | undefined> {
  const path = profilePaths(dir).place
  const token = await readIfThere(path)
  if (token?.length !== TOKEN_BYTES) return undefined
  try {
    const { ino, birthtimeNs, ctimeNs } = await stat(path, { bigint: true })
    // Where birth times are not kept, Node gives the time of the last change: of no use here.
    const bornAtNs = birthtimeNs === ctimeNs ? 0n : birthtimeNs
    const folder = resolve(dir)
    const known = Buffer.byteLength(folder) <= PATH_MAX_BYTES ? folder : ''
    return { inode: ino, bornAtNs, token, path: known }
  } catch (error) {
    throw fileError(error, path)
  }
}

/** Makes the file and notes where it lies: once, when the profile is made. */
export async function markPlace(dir: string, records: RecordStore, random: Random): Promise<void> {
  await replaceFile(profilePaths(dir).place, random(TOKEN_BYTES))
  const found = await look(dir)
  if (found === undefined) throw new NodeError('INTERNAL', 'the place of the profile is not there')
  await records.write([records.seal(anyPlaces, places.place(0), found)])
}

function isSame(noted: FilePlace, found: FilePlace): boolean {
  if (noted.inode !== found.inode || !noted.token.every((byte, i) => byte === found.token[i])) {
    return false
  }
  if (noted.bornAtNs === 0n || found.bornAtNs === 0n) return true
  const apartNs = noted.bornAtNs - found.bornAtNs
  return apartNs < NS_PER_MS && apartNs > -NS_PER_MS
}

function whereIsIt(here: string, original: string, isThere: boolean): string {
  if (isThere) return `Run the original, in ${original}.`
  if (original === '' || original === here) return 'Run the original.'
  return `Run the original, which was in ${original} and is there no more: a profile can be moved within one file system alone.`
}

/**
 * Rejects with PROFILE_COPIED where the folder is not the one that was made, and leaves a note for
 * the original where that is on this machine. Writes down where the folder lies now.
 */
export async function checkPlace(dir: string, records: RecordStore): Promise<void> {
  const noted = (await records.get(anyPlaces, places.place(0))) as FilePlace | undefined
  const found = await look(dir)
  if (noted !== undefined && found !== undefined && isSame(noted, found)) {
    if (noted.path === found.path) return
    const moved = { ...noted, path: found.path }
    return records.write([records.seal(anyPlaces, places.place(0), moved)])
  }
  const original = noted?.path ?? ''
  const there = original === '' ? undefined : await look(original)
  const isThere = noted !== undefined && there !== undefined && isSame(noted, there)
  if (isThere) await leaveCopyNote(original, dir)
  throw new NodeError('PROFILE_COPIED', `${dir} is a copy of another profile's folder`, {
    hint: `Two devices with the same keys would lose messages. ${whereIsIt(resolve(dir), original, isThere)} Or make a new device of the account in another folder: sotto init --dir FOLDER --from-phrase-file FILE with the 24 words.`,
  })
}
