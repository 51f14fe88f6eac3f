// Contacts, requests and invites, for the API.
import { decodeText, encodeAddress, fromHex, safetyNumber, toHex } from '../../crypto/index.ts'
import {
  type InviteRequest,
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
import type { Contact, Invite, Node } from '../api.ts'
import type { Core } from '../core.ts'
import { NodeError } from '../errors.ts'
import { asNodeError } from './translate.ts'
import { contactView } from './views.ts'
import { resolveWho } from './who.ts'

const DAY_MS = 86_400_000
const INVITE_MAX_MS = 365 * DAY_MS

function* inviteView(turn: Turn, invite: OwnInvite): Step<Invite> {
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

/** Where an invite can point: the first relay that was met, else the home host's first address. */
function* invitePlace(): Step<Pick<InviteRequest, 'where' | 'address'>> {
  const [own] = yield* activeMailboxes()
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
    hint: 'Give it a relay: sotto init --relay ADDRESS. Or let it listen: sotto daemon run --listen /ip4/127.0.0.1/tcp/4001',
  })
}

export interface InviteHooks {
  /** Resolves once a relay holds our mailbox open, or none is in use. Rejects where none answers. */
  readonly reachable: (signal: AbortSignal | undefined) => Promise<void>
  /** Brings the relays up to date. */
  readonly publish: () => Promise<void>
}

export function makeInvites(core: Core, hooks: InviteHooks): Node['invites'] {
  const { ledger, clock } = core
  return {
    async create(options = {}): Promise<Invite> {
      const lifeMs = options.expiresInMs ?? DAY_MS
      if (!(lifeMs >= 1000 && lifeMs <= INVITE_MAX_MS)) {
        throw new NodeError('INVALID', 'an invite lives between a second and a year')
      }
      await hooks.reachable(options.signal)
      const invite = await asNodeError(
        ledger.run(function* (turn) {
          const place = yield* invitePlace()
          const created = yield* createInvite(turn, {
            ...place,
            reusable: options.reusable ?? false,
            expiresAtS: Math.floor((clock.nowMs() + lifeMs) / 1000),
          })
          const found = (yield* allInvites()).find((one) => one.inviteId === created.inviteId)
          if (found === undefined) throw new NodeError('INTERNAL', 'the invite was not kept')
          return yield* inviteView(turn, found)
        }),
      )
      await hooks.publish()
      return invite
    },
    list: () =>
      ledger.read(function* (turn) {
        const out: Invite[] = []
        for (const invite of yield* allInvites()) out.push(yield* inviteView(turn, invite))
        return out.sort((a, b) => a.createdAt - b.createdAt)
      }),
    async revoke(id): Promise<void> {
      await ledger.run(function* (turn) {
        const wanted = id.trim().toLowerCase()
        const matches = (yield* allInvites()).filter((one) =>
          toHex(one.inviteId).startsWith(wanted),
        )
        const [only, second] = matches
        if (only === undefined || second !== undefined || wanted.length < 4) {
          throw new NodeError(
            'INVITE_INVALID',
            `no single invite has the id "${id.slice(0, 64)}"`,
            {
              hint: 'See them with: sotto invite list',
            },
          )
        }
        yield* revokeInvite(turn, fromHex(toHex(only.inviteId)))
      })
      await hooks.publish()
    },
  }
}

export function makeContacts(core: Core, dropped: (account: Uint8Array) => void): Node['contacts'] {
  const { ledger } = core
  const change = (
    who: string,
    machine: (turn: Turn, account: Uint8Array) => ReturnType<typeof removeContact>,
  ): Promise<Contact> =>
    asNodeError(
      ledger.run(function* (turn) {
        const contact = yield* resolveWho(turn.crypto, who)
        return yield* contactView(turn, yield* machine(turn, contact.account))
      }),
    )
  return {
    add: (link, options = {}) =>
      asNodeError(
        ledger.run(function* (turn) {
          return yield* contactView(turn, yield* addByLink(turn, link.trim(), options.name))
        }),
      ),
    list: () =>
      ledger.read(function* (turn) {
        const out: Contact[] = []
        for (const contact of yield* allContacts()) {
          if (contact.state === 'request' || contact.state === 'removed') continue
          out.push(yield* contactView(turn, contact))
        }
        return out
      }),
    get: (who) =>
      ledger.read(function* (turn) {
        return yield* contactView(turn, yield* resolveWho(turn.crypto, who))
      }),
    rename: (who, name) => change(who, (turn, account) => renameContact(turn, account, name)),
    safetyNumber: (who) =>
      ledger.read(function* (turn) {
        const contact = yield* resolveWho(turn.crypto, who)
        const { digits } = safetyNumber(turn.crypto, turn.self.account, contact.account)
        return digits.replaceAll(/(\d{5})(?=\d)/g, '$1 ')
      }),
    verify: (who, verified) =>
      change(who, (turn, account) => markVerified(turn, account, verified)),
    async block(who, blocked): Promise<Contact> {
      const contact = await change(who, (turn, account) => blockContact(turn, account, blocked))
      await dropOf(core, contact.name, dropped)
      return contact
    },
    async remove(who): Promise<Contact> {
      let account: Uint8Array | undefined
      const contact = await change(who, (turn, found) => {
        account = found
        return removeContact(turn, found)
      })
      if (account !== undefined) dropped(account)
      return contact
    },
  }
}

async function dropOf(
  core: Core,
  who: string,
  dropped: (account: Uint8Array) => void,
): Promise<void> {
  const contact = await core.ledger.read((turn) => resolveWho(turn.crypto, who))
  if (contact.state === 'blocked') dropped(contact.account)
}

export function makeRequests(core: Core): Node['requests'] {
  const { ledger } = core
  function* request(turn: Turn, who: string) {
    const contact = yield* resolveWho(turn.crypto, who)
    if (contact.state !== 'request') {
      throw new NodeError('UNKNOWN_CONTACT', `${contact.name} is not among the requests`)
    }
    return contact
  }
  return {
    list: () =>
      ledger.read(function* (turn) {
        const out: Contact[] = []
        for (const contact of yield* allContacts()) {
          if (contact.state === 'request') out.push(yield* contactView(turn, contact))
        }
        return out
      }),
    accept: (who, options = {}) =>
      asNodeError(
        ledger.run(function* (turn) {
          const { account } = yield* request(turn, who)
          return yield* contactView(turn, yield* acceptRequest(turn, account, options.name))
        }),
      ),
    reject: (who) =>
      asNodeError(
        ledger.run(function* (turn) {
          const { account } = yield* request(turn, who)
          yield* blockContact(turn, account, true)
        }),
      ),
  }
}
