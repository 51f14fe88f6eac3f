// Why a group did not let somebody in, or keeps them waiting, in words.
import { NodeError, type NodeErrorCode } from '../node/errors.ts'
import { asWord } from '../node/as-word.ts'

interface Problem {
  readonly code: NodeErrorCode
  readonly text: string
  readonly hint: string
}

const NEW_LINK = 'Ask for a new link.'

const PROBLEMS: Readonly<Record<string, Problem>> = {
  INVITE_USED: {
    code: 'INVITE_USED',
    text: 'the link was used already; one who was removed does not come back by an old link',
    hint: NEW_LINK,
  },
  INVITE_EXPIRED: { code: 'INVITE_EXPIRED', text: 'the link has expired', hint: NEW_LINK },
  REFUSED: {
    code: 'INVITE_INVALID',
    text: 'an admin turned it down, or the link was revoked',
    hint: 'Ask who runs the group.',
  },
  GROUP_FULL: {
    code: 'GROUP_FULL',
    text: 'the group is full',
    hint: 'Somebody must leave it first.',
  },
  ALREADY_MEMBER: {
    code: 'ALREADY_MEMBER',
    text: 'you are in this group',
    hint: 'If a lost relay had parted you, you have met again. See: sotto group list',
  },
  PENDING: {
    code: 'NOT_MEMBER',
    text: 'an admin has yet to let you in',
    hint: 'Wait for the answer.',
  },
}

function known(problem: string): Problem | undefined {
  return Object.hasOwn(PROBLEMS, problem) ? PROBLEMS[problem] : undefined
}

/** A group's `problem` as a sentence. */
export function problemText(problem: string): string {
  return known(problem)?.text ?? problem
}

/** The error for a group that refused us, and is listed by this name since. */
export function refusedError(problem: string | undefined, name: string): NodeError {
  const found = known(problem ?? '')
  const hint = found?.hint ?? NEW_LINK
  const listed = `Take it off your list: sotto group leave ${asWord(name, 'GROUP')}`
  return new NodeError(
    found?.code ?? 'INVITE_INVALID',
    found?.text ?? problem ?? 'the group did not let you in',
    { hint: problem === 'ALREADY_MEMBER' ? hint : `${hint} ${listed}` },
  )
}
