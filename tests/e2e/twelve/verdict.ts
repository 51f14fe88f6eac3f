// What must hold of the group at the end of each step, asked of the command line as a user would.
// Every fault names the message, who lacks it or should not have it, and what `sotto why` says.
import type { Message } from '../../../node/api.ts'
import type { Person, Shown } from './person.ts'
import { type Said, isForbidden, isOwed } from './talk.ts'

export interface View {
  readonly person: Person
  readonly shown: Shown
  readonly messages: readonly Message[]
}

export function look(people: readonly Person[]): Promise<readonly View[]> {
  return Promise.all(
    people.map(async (person) => {
      const [shown, messages] = await Promise.all([person.show(), person.read()])
      return { person, shown, messages }
    }),
  )
}

function membership({ shown }: View): string {
  return shown.members
    .map(({ address, role }) => `${address} ${role}`)
    .sort()
    .join('\n')
}

/** A message as it stands in somebody's order; of one that was said too late its place alone. */
function placeOf({ id, from, text }: Message, late: ReadonlySet<string>): string {
  return late.has(id) ? `${id} ${from.address}` : `${id} ${from.address} ${text}`
}

function differsAt(one: readonly string[], other: readonly string[]): string {
  const at = one.findIndex((line, i) => line !== other[i])
  const place = at === -1 ? one.length : at
  return `${one.length} and ${other.length} messages, place ${place + 1}: ${one[place] ?? 'nothing'} and ${other[place] ?? 'nothing'}`
}

/** One membership, one epoch, one order of the messages that all of them were members for. */
export function disagreements(views: readonly View[], said: readonly Said[]): readonly string[] {
  const faults: string[] = []
  const late = new Set(said.filter((one) => one.late).map(({ id }) => id))
  const shared = new Set(
    said.filter((one) => views.every(({ person }) => isOwed(one, person))).map(({ id }) => id),
  )
  const order = ({ messages }: View): readonly string[] =>
    messages.filter(({ id }) => shared.has(id)).map((message) => placeOf(message, late))
  const [first] = views
  for (const view of views) {
    const { person, shown } = view
    const { waiting, missing, held, group, epoch } = shown
    if (group.state !== 'joined') faults.push(`${person.name} is ${group.state}`)
    if (waiting + missing + held > 0) {
      faults.push(`${person.name}: ${waiting} waiting, ${missing} missing, ${held} held`)
    }
    if (first === undefined || first === view) continue
    const pair = `${person.name} and ${first.person.name}`
    if (membership(view) !== membership(first)) {
      faults.push(`${pair} see other members: ${membership(view)}\n  and ${membership(first)}`)
    }
    if (epoch !== first.shown.epoch) {
      faults.push(`${pair} would send in other epochs: ${epoch} and ${first.shown.epoch}`)
    }
    if (order(view).join('\n') !== order(first).join('\n')) {
      faults.push(`${pair} see another order: ${differsAt(order(view), order(first))}`)
    }
  }
  return faults
}

/** Who was a member for the sender has it exactly once; who was none has it not at all. */
export async function misdelivered(
  views: readonly View[],
  said: readonly Said[],
): Promise<readonly string[]> {
  const faults: string[] = []
  for (const { person, messages } of views) {
    const times = new Map<string, number>()
    for (const { text, kind } of messages) {
      if (kind === 'text') times.set(text, (times.get(text) ?? 0) + 1)
    }
    for (const one of said) {
      const count = times.get(one.text) ?? 0
      times.delete(one.text)
      const name = `"${one.text}" (${one.id})`
      if (count > 1) faults.push(`${person.name} shows ${name} ${count} times`)
      if (count > 0 && isForbidden(one, person)) {
        faults.push(`${person.name} reads ${name}, though its sender knew it to be no member`)
      }
      if (count === 0 && isOwed(one, person) && !one.late) {
        const why = await one.author.why(one.id)
        faults.push(`${person.name} lacks ${name}; sotto why, at ${one.author.name}:\n${why}`)
      }
    }
    for (const text of times.keys()) faults.push(`${person.name} shows "${text}": nobody said it`)
  }
  return faults
}
