// Contacts, requests and invites, for the API.
import {
  type Bytes32,
  decodeText,
  encodeAddress,
  encodeText,
  equalBytes,
  safetyNumber,
  toHex,
} from '../../crypto/index.ts'
import {
  type Contact as ContactRecord,
  type InviteRequest,
  NAME_MAX_BYTES,
  type OwnInvite,
  type Step,
  type Turn,
  acceptRequest,
  activeMailboxes,
  addByLink,
  allContacts,
  allInvites,
  blockContact,
  contactOf,
  createInvite,
  markVerified,
  profile,
  removeContact,
  renameContact,
  revokeInvite,
} from '../../protocol/index.ts'
import type { CallOptions, Contact, Invite, Node } from '../api.ts'
import type { Core } from '../core.ts'
import { NodeError } from '../errors.ts'
import { makeCall } from './calls.ts'
import { NO_RELAY_HINT } from './translate.ts'
import { contactView } from './views.ts'
import { PREFIX_MIN_CHARS, resolveWho } from './who.ts'

const DAY_MS = 86_400_000
const INVITE_MAX_MS = 365 * DAY_MS
/** How long an invite lives unless told. */
export const INVITE_LIFE_MS: number = DAY_MS

/** How long an invite shall live, ms. Throws INVALID. */
export function checkInviteLife(lifeMs: number): number {
  if (lifeMs >= 1000 && lifeMs <= INVITE_MAX_MS) return lifeMs
  throw new NodeError('INVALID', 'an invite lives between a second and a year', {
    hint: 'Write for example --expires 24h.',
  })
}

export function* inviteView(turn: Turn, invite: OwnInvite): Step<Invite> {
  const usedBy: string[] = []
  for (const { account } of invite.claims) {
    const contact = yield* contactOf(account)
    usedBy.push(contact?.name ?? encodeAddress(turn.crypto, account))
  }
  return {
    id: toHex(invite.inviteId),
    link: decodeText(invite.link) ?? '',
    createdAt: invite.createdAtMs,
    expiresAt: invite.expiresAtS * 1000,
    reusable: invite.reusable,
    revoked: invite.revoked,
    usedBy,
  }
}

/** Where an invite can point: a relay that is reached now, else the home host's first address. */
export function* invitePlace(
  reached: readonly Bytes32[],
): Step<Pick<InviteRequest, 'where' | 'address'>> {
  const mailboxes = yield* activeMailboxes()
  const isReached = (one: Bytes32): boolean => reached.some((key) => equalBytes(key, one))
  const own = mailboxes.find(({ serviceKey }) => isReached(serviceKey)) ?? mailboxes[0]
  if (own !== undefined) {
    const { serviceKey, mailboxId, address } = own
    return { where: { kind: 'relay', serviceKey, mailboxId }, address }
  }
  const { home } = yield* profile()
  const [address] = home?.addresses ?? []
  if (home !== undefined && address !== undefined) {
    return { where: { kind: 'direct', transportKey: home.transportKey }, address }
  }
  throw new NodeError('NO_RELAY', 'nobody could reach this device yet', {
    hint: `Let it listen: sotto daemon run --listen /ip4/127.0.0.1/tcp/4001. ${NO_RELAY_HINT}`,
  })
}

export interface InviteHooks {
  /**
   * Resolves once a relay holds our mailbox open, with the service keys of those that do; with none
   * where none is in use. Rejects where none answers.
   */
  readonly reachable: (signal: AbortSignal | undefined) => Promise<readonly Bytes32[]>
  /** Brings the relays up to date. */
  readonly publish: () => Promise<void>
}

export function makeInvites(core: Core, hooks: InviteHooks): Node['invites'] {
  const { ledger, clock } = core
  const call = makeCall(core)

  function* create(
    turn: Turn,
    options: {
      readonly reusable: boolean
      readonly lifeMs: number
      readonly reached: readonly Bytes32[]
    },
  ): Step<Invite> {
    const { reusable, lifeMs, reached } = options
    const place = yield* invitePlace(reached)
    const expiresAtS = Math.floor((clock.nowMs() + lifeMs) / 1000)
    const { inviteId } = yield* createInvite(turn, { ...place, reusable, expiresAtS })
    const found = (yield* allInvites()).find((one) => equalBytes(one.inviteId, inviteId))
    if (found === undefined) throw new NodeError('INTERNAL', 'the invite was not kept')
    return yield* inviteView(turn, found)
  }

  function* revoke(turn: Turn, id: string): Step<void> {
    const wanted = id.trim().toLowerCase()
    const matches = (yield* allInvites()).filter((one) => toHex(one.inviteId).startsWith(wanted))
    const [only, second] = matches
    if (only === undefined || second !== undefined || wanted.length < PREFIX_MIN_CHARS) {
      throw new NodeError('INVITE_INVALID', `no single invite has the id "${id.slice(0, 64)}"`, {
        hint: 'See them with: sotto invite list',
      })
    }
    yield* revokeInvite(turn, only.inviteId)
  }

  return {
    create: (options = {}) =>
      call(options, async () => {
        const lifeMs = checkInviteLife(options.expiresInMs ?? INVITE_LIFE_MS)
        const reached = await hooks.reachable(options.signal)
        const { reusable = false } = options
        const invite = await ledger.run((turn) => create(turn, { reusable, lifeMs, reached }))
        await hooks.publish()
        return invite
      }),
    list: (options) =>
      call(options, () =>
        ledger.read(function* (turn) {
          const out: Invite[] = []
          for (const invite of yield* allInvites()) out.push(yield* inviteView(turn, invite))
          return out.sort((a, b) => a.createdAt - b.createdAt)
        }),
      ),
    revoke: (id, options) =>
      call(options, async () => {
        await ledger.run((turn) => revoke(turn, id))
        await hooks.publish()
      }),
  }
}

/** The name a user gives a contact. Throws INVALID. */
function checkedName(name: string): string {
  const trimmed = name.trim()
  if (trimmed !== '' && encodeText(trimmed).length <= NAME_MAX_BYTES) return trimmed
  throw new NodeError('INVALID', `a name has 1 to ${NAME_MAX_BYTES} bytes`, {
    hint: 'Choose another one.',
  })
}

type PersonMachine = (turn: Turn, account: Bytes32) => Step<ContactRecord>

export function makeContacts(core: Core, dropped: (account: Bytes32) => void): Node['contacts'] {
  const { ledger } = core
  const call = makeCall(core)
  const change = (options: CallOptions | undefined, who: string, machine: PersonMachine) =>
    call(options, async () => {
      const { view, account, cut } = await ledger.run(function* (turn) {
        const { account } = yield* resolveWho(turn.crypto, who)
        const changed = yield* machine(turn, account)
        const cut = changed.state === 'blocked' || changed.state === 'removed'
        return { view: yield* contactView(turn, changed), account, cut }
      })
      if (cut) dropped(account)
      return view
    })
  return {
    add: (link, options = {}) =>
      call(options, async () => {
        const name = options.name === undefined ? undefined : checkedName(options.name)
        return ledger.run(function* (turn) {
          return yield* contactView(turn, yield* addByLink(turn, link.trim(), name))
        })
      }),
    list: (options) => call(options, () => ledger.read((turn) => views(turn, isListed))),
    get: (who, options) =>
      call(options, () =>
        ledger.read(function* (turn) {
          return yield* contactView(turn, yield* resolveWho(turn.crypto, who))
        }),
      ),
    rename: (who, name, options) =>
      change(options, who, (turn, account) => renameContact(turn, account, checkedName(name))),
    safetyNumber: (who, options) =>
      call(options, () =>
        ledger.read(function* (turn) {
          const contact = yield* resolveWho(turn.crypto, who)
          const { digits } = safetyNumber(turn.crypto, turn.self.account, contact.account)
          return digits.replaceAll(/(\d{5})(?=\d)/g, '$1 ')
        }),
      ),
    verify: (who, verified, options) =>
      change(options, who, (turn, account) => markVerified(turn, account, verified)),
    block: (who, blocked, options) =>
      change(options, who, (turn, account) => blockContact(turn, account, blocked)),
    remove: (who, options) => change(options, who, removeContact),
  }
}

function isListed(contact: ContactRecord): boolean {
  return contact.state !== 'request' && contact.state !== 'removed'
}

function* views(turn: Turn, wanted: (contact: ContactRecord) => boolean): Step<readonly Contact[]> {
  const out: Contact[] = []
  for (const contact of yield* allContacts()) {
    if (wanted(contact)) out.push(yield* contactView(turn, contact))
  }
  return out
}

function* requestOf(turn: Turn, who: string): Step<ContactRecord> {
  const contact = yield* resolveWho(turn.crypto, who)
  if (contact.state === 'request') return contact
  throw new NodeError('UNKNOWN_CONTACT', `${contact.name} is not among the requests`, {
    hint: 'See them with: sotto requests list',
  })
}

export function makeRequests(core: Core): Node['requests'] {
  const { ledger } = core
  const call = makeCall(core)
  return {
    list: (options) =>
      call(options, () => ledger.read((turn) => views(turn, (one) => one.state === 'request'))),
    accept: (who, options = {}) =>
      call(options, async () => {
        const name = options.name === undefined ? undefined : checkedName(options.name)
        return ledger.run(function* (turn) {
          const { account } = yield* requestOf(turn, who)
          return yield* contactView(turn, yield* acceptRequest(turn, account, name))
        })
      }),
    reject: (who, options) =>
      call(options, () =>
        ledger.run(function* (turn) {
          const { account } = yield* requestOf(turn, who)
          yield* blockContact(turn, account, true)
        }),
      ),
  }
}
