// What groups are called here: unique, so that `#name` never guesses. The name is data from its
// members: it is compared in the form that invisible characters cannot vary (contacts/names.ts).
import { GROUP_NAME_MAX_BYTES, encodeText } from '../../crypto/index.ts'
import { foldName } from '../contacts/names.ts'
import { ProtocolError } from '../errors.ts'
import { type GroupRecord, isListedGroup } from './group.ts'

/** Controls, and what turns the direction of text: no name needs them. */
const FORBIDDEN = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u

/** A name as its user gave it, trimmed. Throws ERR_PROTOCOL_NAME. */
export function checkGroupName(name: string): string {
  const trimmed = name.trim()
  const size = encodeText(trimmed).length
  if (foldName(trimmed) === '') throw nameError('it is empty')
  if (size > GROUP_NAME_MAX_BYTES) throw nameError(`it has ${size} bytes`)
  if (FORBIDDEN.test(trimmed)) throw nameError('it has control characters in it')
  return trimmed
}

function nameError(why: string): ProtocolError {
  return new ProtocolError('ERR_PROTOCOL_NAME', `this is no name for a group: ${why}`, {
    detail: { max: GROUP_NAME_MAX_BYTES },
  })
}

function cut(name: string): string {
  let out = ''
  let bytes = 0
  for (const character of name) {
    bytes += encodeText(character).length
    if (bytes > GROUP_NAME_MAX_BYTES) break
    out += character
  }
  return out
}

/** The wanted name, or with the first free suffix: team, team-2, team-3. */
export function uniqueGroupName(
  wanted: string,
  taken: readonly GroupRecord[],
  self?: GroupRecord,
): string {
  const kept = cut(wanted.trim().replaceAll(/^#+/g, ''))
  const base = foldName(kept) === '' ? 'group' : kept
  const others = new Set(
    taken
      .filter((group) => isListedGroup(group) && group.number !== self?.number)
      .map((one) => foldName(one.name)),
  )
  if (!others.has(foldName(base))) return base
  for (let suffix = 2; ; suffix++) {
    const name = `${base}-${suffix}`
    if (!others.has(foldName(name))) return name
  }
}
