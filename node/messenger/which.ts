// WHICH: a group by `#` and its name, by its id, or by a unique prefix of its id. It never guesses.
import { toHex } from '../../crypto/index.ts'
import {
  type GroupRecord,
  type Step,
  type Turn,
  allGroups,
  foldName,
  isListedGroup,
  membershipOf,
} from '../../protocol/index.ts'
import { NodeError } from '../errors.ts'

/** Characters of an id's prefix at least. */
const PREFIX_MIN_CHARS = 8

/** Whether a chat names a group. */
export function isGroupChat(chat: string): boolean {
  return chat.trimStart().startsWith('#')
}

/** A group that its members once called so: they may rename it while somebody looks elsewhere. */
function* onceCalled(
  turn: Turn,
  groups: readonly GroupRecord[],
  name: string,
): Step<GroupRecord | undefined> {
  for (const group of groups) {
    const members = group.gid === undefined ? undefined : yield* membershipOf(turn, group.gid)
    const isIt = members?.dag.history.nodes.some(
      ({ op: { payload } }) =>
        (payload.kind === 'create' || payload.kind === 'meta') &&
        foldName(payload.name ?? '') === foldName(name),
    )
    if (isIt === true) return group
  }
  return undefined
}

/** The group meant. Throws UNKNOWN_GROUP, or AMBIGUOUS_GROUP with the candidates. */
export function* resolveWhich(turn: Turn, which: string): Step<GroupRecord> {
  const groups = (yield* allGroups()).filter(isListedGroup)
  const wanted = which.trim().replace(/^#/, '')
  const prefix = wanted.toLowerCase()
  const idOf = ({ gid }: GroupRecord): string => (gid === undefined ? '' : toHex(gid))
  // A name is its members' to choose: none may pass for the id of another group.
  const byId = groups.find((one) => one.gid !== undefined && idOf(one) === prefix)
  if (byId !== undefined) return byId
  const isPrefix = prefix.length >= PREFIX_MIN_CHARS && /^[0-9a-f]+$/.test(prefix)
  const matches = groups.filter(
    (one) => foldName(one.name) === foldName(wanted) || (isPrefix && idOf(one).startsWith(prefix)),
  )
  const [only, second] = matches
  if (only !== undefined && second === undefined) return only
  if (only !== undefined) {
    const candidates = matches.map((one) => `#${one.name} (${idOf(one).slice(0, 16)})`)
    throw new NodeError(
      'AMBIGUOUS_GROUP',
      `"${which.slice(0, 80)}" may be ${candidates.join(', ')}`,
      { hint: 'Give more of the id: sotto group list --json' },
    )
  }
  const renamed = yield* onceCalled(turn, groups, wanted)
  throw new NodeError('UNKNOWN_GROUP', `there is no group "${which.slice(0, 80)}"`, {
    hint:
      renamed === undefined
        ? 'See which there are: sotto group list. Join one by its link: sotto add LINK'
        : `It was renamed and is called #${renamed.name} now.`,
  })
}
