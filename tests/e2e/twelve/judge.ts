// Collects what does not hold, and waits for what must come to hold.
import type { Person } from './person.ts'
import { type Said, isOwed } from './talk.ts'
import { PATIENCE_MS, until } from './until.ts'
import { disagreements, look, misdelivered } from './verdict.ts'

export class Judge {
  readonly faults: string[] = []
  readonly #tell: (line: string) => void

  constructor(tell: (line: string) => void) {
    this.#tell = tell
  }

  fail(faults: readonly string[]): void {
    this.faults.push(...faults)
    for (const fault of faults) this.#tell(`FAULT: ${fault}`)
  }

  /** Waits until each of them was told of all that it is owed of this. */
  async allHave(people: readonly Person[], said: readonly Said[]): Promise<void> {
    const standing = said.filter(({ late }) => !late)
    const inTime = await Promise.all(
      people.map((person) => {
        const { texts } = person.watch
        const owed = standing.filter((one) => isOwed(one, person) && one.author !== person)
        return person.watch.until(() => owed.every(({ id }) => texts.has(id)), PATIENCE_MS)
      }),
    )
    if (inTime.every(Boolean)) return
    // A text that came after its header is told by no event: what counts is what they read.
    const faults = await misdelivered(await look(people), standing)
    this.fail(faults.filter((fault) => fault.includes(' lacks ')))
  }

  /** One membership, epoch and order, as soon as nothing is under way any more. */
  async allAgree(people: readonly Person[], said: readonly Said[]): Promise<void> {
    let faults: readonly string[] = []
    await until(async () => {
      faults = disagreements(await look(people), said)
      return faults.length === 0
    })
    this.fail(faults)
  }

  /** Who knew of a removal shows nothing of what was said behind it. */
  async hidesLate(people: readonly Person[], said: readonly Said[]): Promise<void> {
    const late = new Set(said.filter((one) => one.late).map(({ id }) => id))
    for (const { person, messages } of await look(people)) {
      for (const { id, kind, text } of messages) {
        if (kind !== 'text' || !late.has(id)) continue
        this.fail([`${person.name} shows "${text}", said after its author's removal`])
      }
    }
  }

  /** Nobody lacks, repeats or reads what it should not. */
  async nothingAstray(people: readonly Person[], said: readonly Said[]): Promise<void> {
    this.fail(await misdelivered(await look(people), said))
  }
}
