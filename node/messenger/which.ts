// WHICH: a group by `#` and its name, by its id, or by a unique prefix of its id. It never guesses.
import { toHex } from '../../crypto/index.ts'
import { type GroupRecord, type Step, allGroups, foldName } from '../../protocol/index.ts'
import { NodeError } from '../errors.ts'

/** Characters of an id's prefix at least. */
const PREFIX_MIN_CHARS = 8

/** Whether a chat names a group. */
export function isGroupChat(chat: string): boolean {
  return chat.trimStart().startsWith('#')
}

/** The group meant. Throws UNKNOWN_GROUP, or AMBIGUOUS_GROUP with the candidates. */
export function* resolveWhich(which: string): Step<GroupRecord> {
  const groups = yield* allGroups()
  const wanted = which.trim().replace(/^#/, '')
  const byName = groups.find((one) => foldName(one.name) === foldName(wanted))
  if (byName !== undefined) return byName
  const prefix = wanted.toLowerCase()
  const matches =
    prefix.length < PREFIX_MIN_CHARS || !/^[0-9a-f]+$/.test(prefix)
      ? []
      : groups.filter(({ gid }) => gid !== undefined && toHex(gid).startsWith(prefix))
  const [only, second] = matches
  if (only !== undefined && second === undefined) return only
  if (only !== undefined) {
    throw new NodeError(
      'AMBIGUOUS_GROUP',
      `"${which.slice(0, 80)}" may be ${matches.map(({ name }) => `#${name}`).join(', ')}`,
      { hint: 'Give the name, or more of the id.' },
    )
  }
  throw new NodeError('UNKNOWN_GROUP', `there is no group "${which.slice(0, 80)}"`, {
    hint: 'See which there are: sotto group list. Join one by its link: sotto add LINK',
  })
}
