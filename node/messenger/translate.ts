// Errors of the floors below, in the words and codes of the API.
import { CryptoError, InviteLinkError } from '../../crypto/index.ts'
import { ProtocolError } from '../../protocol/index.ts'
import { TimeoutError } from '../clock.ts'
import { NodeError } from '../errors.ts'

function fromInvite(error: InviteLinkError): NodeError {
  switch (error.reason) {
    case 'unsupported-version':
      return new NodeError('VERSION_UNSUPPORTED', 'this invite was made by a newer version', {
        hint: 'Install the newest version.',
        cause: error,
      })
    case 'not-a-link':
      return new NodeError('INVITE_INVALID', 'this is not an invite link', {
        hint: 'A link begins with "sotto:". Paste it whole, or give it on stdin: sotto add -',
        cause: error,
      })
    case 'damaged':
      return new NodeError('INVITE_INVALID', 'the invite link is damaged', {
        hint: 'Copy it again, whole: a character is missing or wrong.',
        cause: error,
      })
  }
}

export const NO_RELAY_HINT =
  'Choose one, of your own or of somebody you know: sotto relays add ADDRESS'

export const FULL_HINT = 'Somebody must leave it first, or be removed.'

/** What one can do who is not in a group, by how one stands to it. */
const OUTSIDE: Readonly<Record<string, string>> = {
  joining: 'Wait for the answer: sotto group list',
  left: 'What was said before can be read. An admin can add you again, or give you a new link.',
  removed: 'What was said before can be read. An admin can add you again, or give you a new link.',
  refused: 'Ask for a new link. Take it off your list: sotto group leave GROUP',
}

/** What one can do where something is full, by what is. */
const LIMIT_HINTS: Readonly<Record<string, string>> = {
  groups: 'One profile holds so many, those that were left included.',
  invites: 'Revoke some: sotto invite list, sotto invite revoke ID',
  contacts: 'Remove some: sotto contact list, sotto contact remove WHO',
  relays: 'Leave one first: sotto relays list, sotto relays remove ADDRESS',
  'group-operations': 'Make a new group, and add its members there: sotto group create NAME',
  'member-operations': 'An owner can make you an admin, who has no such limit: sotto group role',
  outbox: 'It goes on once what waits went out: sotto status',
}

function alreadyMember(error: ProtocolError): NodeError {
  return new NodeError('ALREADY_MEMBER', error.message, {
    hint: 'See which groups you are in: sotto group list',
    cause: error,
  })
}

function fromProtocol(error: ProtocolError): NodeError {
  const { detail } = error
  switch (error.code) {
    case 'ERR_PROTOCOL_TOO_LARGE':
      return new NodeError('TOO_LARGE', error.message, {
        hint: `A message holds at most ${detail['max'] ?? detail['maxBytes'] ?? '49152'} bytes of text. Send it in parts.`,
        cause: error,
      })
    case 'ERR_PROTOCOL_EMPTY':
      return new NodeError('EMPTY_TEXT', error.message, { hint: 'Write something.', cause: error })
    case 'ERR_PROTOCOL_INVITE':
      if (detail['reason'] === 'unsupported') {
        return new NodeError('VERSION_UNSUPPORTED', error.message, {
          hint: 'Install the newest version.',
          cause: error,
        })
      }
      if (detail['reason'] === 'member') return alreadyMember(error)
      if (detail['reason'] === 'own') {
        return new NodeError('INVITE_INVALID', error.message, {
          hint: 'It is for somebody else: give it to them.',
          cause: error,
        })
      }
      if (detail['reason'] === 'group') {
        return new NodeError('GROUP_LINK', error.message, {
          hint: 'Join the group with it: sotto add LINK',
          cause: error,
        })
      }
      return new NodeError(
        detail['reason'] === 'expired' ? 'INVITE_EXPIRED' : 'INVITE_INVALID',
        error.message,
        { hint: 'Ask for a new link.', cause: error },
      )
    case 'ERR_PROTOCOL_UNKNOWN':
      return new NodeError('UNKNOWN_CONTACT', error.message, {
        hint: 'It can be done once they answered: sotto contact list',
        cause: error,
      })
    case 'ERR_PROTOCOL_NAME':
      return new NodeError('INVALID', error.message, {
        hint: 'Choose another name, of 1 to 256 bytes and without control characters.',
        cause: error,
      })
    case 'ERR_PROTOCOL_ROLE':
      if (detail['reason'] === 'last-owner') {
        return new NodeError('LAST_OWNER', error.message, {
          hint: 'Make somebody else an owner first: sotto group role GROUP WHO owner',
          cause: error,
        })
      }
      return new NodeError('NOT_ADMIN', error.message, {
        hint: 'Ask an admin or an owner of the group.',
        cause: error,
      })
    case 'ERR_PROTOCOL_GROUP':
      return new NodeError('NOT_MEMBER', error.message, {
        hint: OUTSIDE[String(detail['standing'])] ?? 'See how you stand: sotto group list',
        cause: error,
      })
    case 'ERR_PROTOCOL_FORBIDDEN':
      if (detail['reason'] === 'member') return alreadyMember(error)
      return new NodeError('NAME_TAKEN', error.message, {
        hint: 'Choose another name.',
        cause: error,
      })
    case 'ERR_PROTOCOL_LIMIT':
      if (detail['reason'] === 'group-full') {
        return new NodeError('GROUP_FULL', error.message, { hint: FULL_HINT, cause: error })
      }
      return new NodeError('LIMIT', error.message, {
        hint: LIMIT_HINTS[String(detail['reason'])] ?? '',
        cause: error,
      })
    case 'ERR_PROTOCOL_STALE':
      return defect(error)
    case 'ERR_PROTOCOL_STATE':
      if (detail['reason'] === 'PROFILE_BEHIND') {
        return new NodeError('PROFILE_BEHIND', error.message, {
          hint: 'Nothing was sent. Make a new device of the account: sotto init --dir FOLDER --from-phrase-file FILE',
          cause: error,
        })
      }
      if (detail['reason'] === 'no-relay') {
        return new NodeError('NO_RELAY', error.message, {
          hint: NO_RELAY_HINT,
          cause: error,
        })
      }
      return defect(error)
  }
}

function defect(error: unknown): NodeError {
  return new NodeError('INTERNAL', error instanceof Error ? error.message : String(error), {
    hint: 'This is a defect of ours: please report it.',
    cause: error,
  })
}

/** The NodeError for anything a call can fail with. */
export function toNodeError(error: unknown): NodeError {
  if (error instanceof NodeError) return error
  if (error instanceof InviteLinkError) return fromInvite(error)
  if (error instanceof ProtocolError) return fromProtocol(error)
  if (error instanceof CryptoError) {
    const text = error.code === 'ERR_CRYPTO_TEXT' ? 'the text is not valid Unicode' : error.message
    return new NodeError('INVALID', text, { cause: error })
  }
  if (error instanceof Error && error.name === 'AbortError') {
    return new NodeError('ABORTED', 'stopped before it was done', { cause: error })
  }
  if (error instanceof TimeoutError) {
    return new NodeError('TIMEOUT', error.message, { cause: error, retryable: true })
  }
  return defect(error)
}
