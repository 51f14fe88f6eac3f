// Everything that was said in the group, and whom each sender took for a member when saying it.
import { EventEmitter, once } from 'node:events'
import { GROUP, type Person } from './person.ts'

export interface Said {
  readonly id: string
  readonly text: string
  readonly author: Person
  /** Addresses of the members as the sender's `group show` gave them before the send, and after. */
  readonly before: ReadonlySet<string>
  readonly after: ReadonlySet<string>
  /** The author had been removed, by a removal that it could not know of: no entry of it stands. */
  readonly late: boolean
}

/** Both before and after the send a member, as its sender knew: must have it, once. */
export function isOwed({ before, after }: Said, { address }: Person): boolean {
  return before.has(address) && after.has(address)
}

/** Neither before nor after: must not have it. */
export function isForbidden({ before, after }: Said, { address }: Person): boolean {
  return !before.has(address) && !after.has(address)
}

export class Talk {
  readonly said: Said[] = []
  /** Texts whose `send` failed because its daemon was killed, said again or found to be queued. */
  interrupted = 0
  readonly #heard = new EventEmitter()

  /** Resolves once so many were said in all. */
  async reaches(count: number): Promise<void> {
    while (this.said.length < count) await once(this.#heard, 'said')
  }

  /** Everybody says so many, all at the same time. */
  async everybody(
    people: readonly Person[],
    options: { readonly topic: string; readonly each: number; readonly late?: Person },
  ): Promise<void> {
    const { topic, each, late } = options
    this.#heard.setMaxListeners(0)
    await Promise.all(
      people.map(async (person) => {
        let before: ReadonlySet<string> | undefined
        for (let i = 1; i <= each; i += 1) {
          const text = `${topic}: ${person.name} ${i}/${each}`
          before = await this.#say(person, text, { isLate: person === late, before })
        }
      }),
    )
  }

  /** Says it once, whatever is killed meanwhile; whom its author takes for members after. */
  async #say(
    author: Person,
    text: string,
    known: { readonly isLate: boolean; readonly before: ReadonlySet<string> | undefined },
  ): Promise<ReadonlySet<string>> {
    for (;;) {
      await author.running()
      const { life } = author
      try {
        const before = known.before ?? (await membersFor(author))
        const { id } = await author.run('send', GROUP, text)
        const after = await membersFor(author)
        this.#add({ id: String(id), text, author, before, after, late: known.isLate })
        return after
      } catch (error) {
        if (author.life === life) throw error
        this.interrupted += 1
      }
      // Killed meanwhile: whether it was queued shows once the daemon is back, as to any script.
      await author.running()
      const queued = (await author.read()).find((message) => message.text === text)
      if (queued === undefined) continue
      const members = await membersFor(author)
      const { id } = queued
      this.#add({ id, text, author, before: members, after: members, late: known.isLate })
      return members
    }
  }

  #add(said: Said): void {
    this.said.push(said)
    this.#heard.emit('said')
  }
}

async function membersFor(person: Person): Promise<ReadonlySet<string>> {
  return new Set((await person.show()).members.map(({ address }) => address))
}
