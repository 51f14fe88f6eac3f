// One device's log, driven in memory: every call is one turn.
import { noble } from '../../crypto/index.ts'
import { type Acceptance, acceptEntry } from '../../protocol/log/accept.ts'
import { type Appended, appendEntry } from '../../protocol/log/append.ts'
import { elideEntry, type Entry } from '../../protocol/log/entry.ts'
import { authorFrontier, conversationFrontier, gapsOf } from '../../protocol/log/frontier.ts'
import { type EntryView, readEntry, readOrdered } from '../../protocol/log/read.ts'
import type { EntrySource } from '../../protocol/log/source.ts'
import { textContent } from '../../protocol/content/text.ts'
import type { Self } from '../../protocol/self.ts'
import { CONVERSATION, SENT_AT_MS } from './entries.ts'
import { makeSelf, MemoryDriver } from './memory-driver.ts'
import { seededRandom } from './seeded-random.ts'

/** Keys by name: making them costs more than most tests. */
const selves = new Map<string, Self>()

function selfOf(name: string): Self {
  const self = selves.get(name) ?? makeSelf(seededRandom(`keys of ${name}`), noble)
  selves.set(name, self)
  return self
}

export class Replica {
  readonly driver: MemoryDriver

  constructor(name: string) {
    this.driver = new MemoryDriver({ seed: name, self: selfOf(name), crypto: noble })
  }

  get device(): Uint8Array {
    return this.driver.self.device
  }

  /** From the entry's own author, over its session, unless told otherwise. */
  accept(entry: Entry, source?: EntrySource): Acceptance {
    const from = source ?? fromDevice(entry.header.author)
    return this.driver.run((turn) =>
      acceptEntry(turn, {
        conversation: CONVERSATION,
        entry: elideEntry(entry, 'none'),
        source: from,
      }),
    )
  }

  append(text: string, conversation: Uint8Array = CONVERSATION): Appended {
    const body = textContent.encode({ text, replyTo: undefined })
    const request = { conversation, op: undefined, kind: 1, body, sentAtMs: SENT_AT_MS }
    return this.driver.run((turn) => appendEntry(turn, request))
  }

  ordered(): readonly EntryView[] {
    return this.driver.run((turn) =>
      readOrdered(turn, { conversation: CONVERSATION, limit: 100_000 }),
    )
  }

  view(id: Uint8Array): EntryView | undefined {
    return this.driver.run((turn) => readEntry(turn, id))
  }

  frontier(author: Uint8Array) {
    return this.driver.run((turn) => authorFrontier(turn, CONVERSATION, author))
  }

  frontiers() {
    return this.driver.run((turn) => conversationFrontier(turn, CONVERSATION))
  }

  gaps() {
    return this.driver.run((turn) => gapsOf(turn, CONVERSATION))
  }
}

export function fromDevice(device: Uint8Array): EntrySource {
  return { kind: 'session', device, account: 'contact', ownDevices: [], contactDevices: [device] }
}
