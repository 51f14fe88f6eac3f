// A Node without keys, network or disk: what the local API and the command line are tested against.
import type {
  Contact,
  Invite,
  Message,
  MessageState,
  Node,
  NodeEvent,
  Stats,
  Status,
  Warning,
  Why,
} from '../../node/api.ts'
import type { Group } from '../../node/api-groups.ts'
import { NodeError } from '../../node/errors.ts'

type NewEvent = NodeEvent extends infer E
  ? E extends NodeEvent
    ? Omit<E, 'cursor' | 'at'>
    : never
  : never

const AT = 1_764_000_000_000

export const ALICE = 'a'.repeat(56)
export const BOB = 'b'.repeat(56)
export const CAROL = 'c'.repeat(56)
export const GROUP_LINK = 'sotto:group'

function contact(name: string, address: string, state: Contact['state'] = 'ready'): Contact {
  return {
    name,
    address,
    state,
    verified: false,
    theirName: name,
    addedAt: AT,
    unread: 0,
    waiting: 0,
    missing: 0,
    irretrievable: 0,
    relays: [],
    warnings: [],
  }
}

export class FakeNode implements Node {
  readonly name = 'alice'
  readonly address: string = ALICE
  readonly kept: Contact[] = [contact('bob', BOB), contact('carol', CAROL)]
  readonly log: Message[] = []
  readonly feed: NodeEvent[] = []
  readonly made: Invite[] = []
  readonly recent: Warning[] = []
  readonly read = new Map<string, number>()
  /** Ids of messages by what `send` was given as `once`. */
  readonly sentUnder = new Map<string, string>()
  /** Set to see calls wait until told: awaited by every `send`. */
  gate: Promise<void> = Promise.resolve()
  sends = 0
  settled = 0
  closed = false
  /** Readers that began to follow the feed. */
  followers = 0
  #listeners = new Set<() => void>()
  #arrivals = 0

  addresses(): readonly string[] {
    return ['/ip4/127.0.0.1/tcp/4001']
  }

  emit(event: NewEvent): void {
    this.feed.push({ cursor: this.feed.length + 1, at: AT, ...event })
    for (const wake of this.#listeners) wake()
  }

  /** A text between us and a contact, as if it had come or gone. */
  put(name: string, text: string, mine: boolean): Message {
    const other = this.#find(name)
    this.#arrivals = this.log.length + 1
    const me = { name: this.name, address: this.address }
    const them = { name: other.name, address: other.address }
    const message: Message = {
      id: this.#arrivals.toString(16).padStart(64, '0'),
      chat: other.name,
      kind: 'text',
      from: mine ? me : them,
      to: mine ? them : me,
      text,
      mine,
      lamport: this.#arrivals,
      sentAt: AT + this.#arrivals,
      arrivedAt: mine ? 0 : AT + this.#arrivals,
      late: false,
      open: false,
      state: mine ? 'queued' : 'delivered',
      relays: 0,
      arrival: this.#arrivals,
    }
    this.log.push(message)
    this.emit({ event: 'message', message })
    return message
  }

  /** Moves one of our messages on. */
  advance(id: string, state: MessageState): void {
    const at = this.log.findIndex((message) => message.id === id)
    const message = this.log[at]
    if (message === undefined) throw new Error('no such message')
    this.log[at] = { ...message, state }
    this.emit({ event: 'message:state', id, chat: message.chat, state })
  }

  #find(who: string): Contact {
    const found = this.kept.filter(
      ({ name, address }) =>
        name === who || address === who || (who.length >= 4 && address.startsWith(who)),
    )
    const [first, second] = found
    if (first === undefined) {
      throw new NodeError('UNKNOWN_CONTACT', `nobody is called ${who}`, {
        hint: 'See: sotto contact list',
      })
    }
    if (second !== undefined) throw new NodeError('AMBIGUOUS_CONTACT', `${who} is more than one`)
    return first
  }

  #chat(word: string): string {
    return word.startsWith('#') ? `#${this.#group(word).name}` : this.#find(word).name
  }

  #change(who: string, fields: Partial<Contact>): Contact {
    const found = this.#find(who)
    const changed = { ...found, ...fields }
    this.kept[this.kept.indexOf(found)] = changed
    this.emit({ event: 'contact', contact: changed })
    return changed
  }

  async stats(): Promise<Stats> {
    const sent = this.log.filter(({ mine }) => mine).length
    return {
      since: AT,
      sent,
      received: this.log.length - sent,
      missing: 0,
      times: { direct: { count: 1, p50Ms: 40, p95Ms: 40, p99Ms: 40 } },
      counts: { depositRetries: 3 },
      errors: { UNREACHABLE: 2 },
    }
  }

  #message(id: string): Message {
    const message = this.log.find((candidate) => candidate.id === id)
    if (message === undefined) throw new NodeError('UNKNOWN_MESSAGE', `no message ${id}`)
    return message
  }

  async status(): Promise<Status> {
    return {
      name: this.name,
      address: this.address,
      listening: this.addresses(),
      relays: this.chosen.map((address) => ({
        address,
        connected: false,
        service: '',
        trouble: '',
      })),
      contacts: this.kept.length,
      groups: this.circles.length,
      requests: 0,
      unread: 0,
      waiting: this.log.filter(({ state }) => state === 'queued').length,
      readOnly: false,
      degradedHandshakes: 0,
      warnings: [],
      recent: this.recent,
    }
  }

  readonly chosen: string[] = []

  readonly relays: Node['relays'] = {
    add: async (address) => void this.chosen.push(address),
    remove: async (which) => {
      const at = this.chosen.indexOf(which)
      if (at === -1) throw new NodeError('INVALID', 'no such relay')
      this.chosen.splice(at, 1)
    },
  }

  readonly invites: Node['invites'] = {
    create: async (options = {}) => {
      const invite: Invite = {
        id: `${this.made.length}`.padStart(32, '0'),
        link: `sotto:${'a2'.repeat(40)}`,
        createdAt: AT,
        expiresAt: AT + (options.expiresInMs ?? 86_400_000),
        reusable: options.reusable ?? false,
        revoked: false,
        usedBy: [],
      }
      this.made.push(invite)
      return invite
    },
    list: async () => this.made,
    revoke: async (id) => {
      if (!this.made.some((invite) => invite.id === id))
        throw new NodeError('INVITE_INVALID', 'none')
    },
  }

  readonly contacts: Node['contacts'] = {
    add: async (link, options = {}) => {
      if (link === GROUP_LINK) throw new NodeError('GROUP_LINK', 'it joins a group')
      if (!link.startsWith('sotto:')) throw new NodeError('INVITE_INVALID', 'no invite link')
      const added = contact(options.name ?? 'dave', 'd'.repeat(56), 'pending')
      this.kept.push(added)
      return added
    },
    list: async () => this.kept,
    get: async (who) => this.#find(who),
    rename: async (who, name) => this.#change(who, { name }),
    safetyNumber: async () => Array.from({ length: 12 }, () => '01234').join(' '),
    verify: async (who, verified) => this.#change(who, { verified }),
    block: async (who, blocked) => this.#change(who, { state: blocked ? 'blocked' : 'ready' }),
    remove: async (who) => this.#change(who, { state: 'removed' }),
  }

  readonly requests: Node['requests'] = {
    list: async () => [contact('mallory', 'm'.repeat(56), 'request')],
    accept: async (who, options = {}) => contact(options.name ?? who, 'm'.repeat(56)),
    reject: async () => undefined,
  }

  readonly circles: Group[] = []

  /** A group of Alice, Bob and Carol. */
  form(name: string, state: Group['state'] = 'joined'): Group {
    const member = (
      who: string,
      address: string,
      role: Group['role'],
    ): Group['members'][number] => ({
      name: who,
      address,
      role,
      you: address === ALICE,
    })
    const group: Group = {
      number: this.circles.length + 1,
      id: `${this.circles.length + 1}`.padStart(64, 'f'),
      name,
      state,
      role: 'owner',
      members: [
        member('alice', ALICE, 'owner'),
        member('bob', BOB, 'admin'),
        member('carol', CAROL, 'member'),
      ],
      epoch: '0123456789abcdef',
      pending: [],
      settings: { approval: false, membersAdd: false },
      relays: ['89abcdef'],
      unread: 0,
      waiting: 0,
      missing: 0,
      held: 0,
      waits: [],
      gaps: [],
    }
    this.circles.push(group)
    return group
  }

  /** A text in a group, from Bob or from us. */
  say(group: Group, text: string, mine: boolean): Message {
    const message = this.put('bob', text, mine)
    const said = {
      ...message,
      chat: `#${group.name}`,
      group: group.id,
      to: { name: `#${group.name}`, address: group.id },
    }
    this.log[this.log.length - 1] = said
    const event = this.feed.at(-1)
    if (event?.event === 'message') this.feed[this.feed.length - 1] = { ...event, message: said }
    return said
  }

  #group(which: string): Group {
    const word = which.replace(/^#/, '')
    const found = this.circles.find(({ id, name }) => name === word || id === word)
    if (found === undefined) throw new NodeError('UNKNOWN_GROUP', `no group ${which}`)
    return found
  }

  #reshape(which: string, fields: Partial<Group>): Group {
    const found = this.#group(which)
    const changed = { ...found, ...fields }
    this.circles[this.circles.indexOf(found)] = changed
    this.emit({ event: 'group', group: changed })
    return changed
  }

  readonly groups: Node['groups'] = {
    create: async (name, options = {}) => {
      const made = this.form(name)
      const { approval = false, membersAdd = false } = options
      return this.#reshape(made.name, { settings: { approval, membersAdd } })
    },
    list: async () => this.circles,
    get: async (which) => this.#group(which),
    invite: async (which, options = {}) => {
      this.#group(which)
      return this.invites.create(options)
    },
    join: async (_link, options = {}) => {
      const { name } = this.form(options.name ?? 'joined', this.joinState)
      return this.joinProblem === ''
        ? this.#group(name)
        : this.#reshape(name, { problem: this.joinProblem })
    },
    add: async (which, who) => {
      const { name, address } = this.#find(who)
      const { members } = this.#group(which)
      return this.#reshape(which, {
        members: [...members, { name, address, role: 'member', you: false }],
      })
    },
    approve: async (which) => this.#reshape(which, { pending: [] }),
    reject: async (which) => this.#reshape(which, { pending: [] }),
    remove: async (which, who) => {
      const { members } = this.#group(which)
      return this.#reshape(which, { members: members.filter(({ name }) => name !== who) })
    },
    role: async (which, who, role) => {
      const { members } = this.#group(which)
      return this.#reshape(which, {
        members: members.map((one) => (one.name === who ? { ...one, role } : one)),
      })
    },
    rename: async (which, name) => this.#reshape(which, { name }),
    leave: async (which) => this.#reshape(which, { state: 'left' }),
    rotate: async (which) => this.#reshape(which, { epoch: 'fedcba9876543210' }),
  }

  /** What a join comes to. */
  joinState: Group['state'] = 'joined'
  joinProblem = ''

  readonly chats: Node['chats'] = {
    send: async (who, text, options = {}) => {
      this.sends += 1
      await this.gate
      const before = this.sentUnder.get(options.once ?? '')
      if (before !== undefined) return { id: before, state: this.#message(before).state }
      if (text.trim() === '') throw new NodeError('EMPTY_TEXT', 'there is nothing to send')
      const { id, state } = who.startsWith('#')
        ? this.say(this.#group(who), text, true)
        : this.put(this.#find(who).name, text, true)
      if (options.replyTo !== undefined) {
        const at = this.log.length - 1
        this.log[at] = { ...this.#message(id), replyTo: options.replyTo }
      }
      if (options.once !== undefined) this.sentUnder.set(options.once, id)
      return { id, state }
    },
    waitFor: async (id, state, options = {}) => {
      const order = ['queued', 'relayed', 'delivered', 'read']
      const met = (): boolean => order.indexOf(this.#message(id).state) >= order.indexOf(state)
      if (!met() && options.timeoutMs === 0) throw new NodeError('TIMEOUT', 'not in time')
      while (!met()) await this.#changed(options.signal)
      return { id, state: this.#message(id).state }
    },
    messages: async (who, options = {}) => {
      const chat = who === undefined ? undefined : this.#chat(who)
      const until =
        options.before === undefined
          ? this.log.length
          : this.log.indexOf(this.#message(options.before))
      return this.log
        .slice(0, until)
        .filter((message) => chat === undefined || message.chat === chat)
        .filter(
          ({ mine, chat: of, arrival }) =>
            options.unread !== true || (!mine && arrival > (this.read.get(of) ?? 0)),
        )
        .slice(-(options.limit ?? 20))
    },
    message: async (id) => this.#message(id),
    markRead: async (who, arrival = this.#arrivals) => {
      const name = this.#chat(who)
      this.read.set(name, Math.max(arrival, this.read.get(name) ?? 0))
    },
    why: async (id): Promise<Why> => {
      const { state, sentAt } = this.#message(id)
      return {
        id,
        state,
        steps: [
          { at: sentAt, what: 'queued', evidence: 'fdatasync' },
          { at: sentAt + 40, what: 'delivered', by: '1a2b3c4d', evidence: 'receipt' },
        ],
        missing: state === 'read' ? [] : ['bob did not read it yet'],
      }
    },
  }

  #changed(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const wake = (): void => {
        this.#listeners.delete(wake)
        signal?.removeEventListener('abort', stop)
        resolve()
      }
      const stop = (): void => {
        this.#listeners.delete(wake)
        reject(signal?.reason as Error)
      }
      if (signal?.aborted === true) return stop()
      this.#listeners.add(wake)
      signal?.addEventListener('abort', stop, { once: true })
    })
  }

  readonly events: Node['events'] = {
    since: (cursor, options = {}) => this.#since(cursor ?? this.feed.length + 1, options.signal),
    cursor: async () => this.feed.length + 1,
  }

  async *#since(cursor: number, signal: AbortSignal | undefined): AsyncGenerator<NodeEvent> {
    let at = Math.max(0, cursor - 1)
    this.followers += 1
    for (;;) {
      if (signal?.aborted === true) return
      const event = this.feed[at]
      if (event === undefined) {
        try {
          await this.#changed(signal)
        } catch {
          // The signal: the feed ends.
          return
        }
      } else {
        at += 1
        yield event
      }
    }
  }

  on: Node['on'] = () => () => undefined

  async settle(): Promise<void> {
    this.settled += 1
  }

  async close(): Promise<void> {
    this.closed = true
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
