// A copy of a profile's folder that somebody tried to run leaves a note in the original's folder,
// so that both sides are told, whichever of them starts first (SPEC.md §11.4).
import { resolve } from 'node:path'
import { NodeError } from '../errors.ts'
import { isThere, profilePaths, readIfThere, removeFile, replaceFile } from './files.ts'

/** Longer ones are cut: a path, for its user to read. */
const NOTE_MAX_BYTES = 4_096

/** Tells the original of a copy. Where it cannot be told, the copy is refused all the same. */
export async function leaveCopyNote(original: string, copy: string): Promise<void> {
  try {
    if (!(await isThere(profilePaths(original).place))) return
    const bytes = Buffer.from(resolve(copy)).subarray(0, NOTE_MAX_BYTES)
    await replaceFile(profilePaths(original).copied, bytes)
  } catch (error) {
    // On another machine, or not writable: nothing more can be done from here.
    if (!(error instanceof NodeError)) throw error
  }
}

/** The folder of a copy that was refused since this was last asked; undefined where there is none. */
export async function takeCopyNote(dir: string): Promise<string | undefined> {
  const { copied } = profilePaths(dir)
  const bytes = await readIfThere(copied)
  if (bytes === undefined) return undefined
  await removeFile(copied)
  return Buffer.from(bytes.subarray(0, NOTE_MAX_BYTES)).toString('utf8')
}
