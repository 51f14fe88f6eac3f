// What must hold of every group's life in the fast form (D1 to D7 of the groups' invariants).
import { toHex } from '../../../crypto/index.ts'
import { entryStanding } from '../../../protocol/index.ts'
import { PureLife } from './pure-life.ts'
import type { PureMember, SentEntry } from './pure-member.ts'

/** Everything that a group amounts to here, as text. */
function stateOf({ dag }: PureMember, sent: readonly SentEntry[]): string {
  if (dag === undefined) return ''
  const view = dag.view()
  const members = view
    .members()
    .map(({ account, role, devices, since }) => [
      toHex(account),
      role,
      devices.map(toHex),
      toHex(since.id),
    ])
  const voided = dag.history.nodes
    .filter(({ op }) => view.isVoid(op.id))
    .map(({ op }) => toHex(op.id))
    .sort()
  const standing = sent.map(({ author, id, n, op }) => {
    return entryStanding(dag, { id, author: author.device, n, op }).kind
  })
  return JSON.stringify([members, view.name, view.settings, voided, dag.size, standing])
}

/** What is broken, [] where all holds. Lives on for the time that repair may take. */
export function judgeLife(life: PureLife): readonly string[] {
  const broken: string[] = []
  checkReach(life, broken)
  const here = life.honest.filter((one) => one.dag !== undefined)
  checkStates(life, here, broken)
  for (const one of here) {
    if (one.isMember && one.queue.length > 0) {
      broken.push(`D4 ${one.person.name} still waits with ${one.queue.length}`)
    }
    for (const [text, times] of one.shown) {
      if (times > 1) broken.push(`lost or twice: ${one.person.name} shows "${text}" ${times} times`)
    }
  }
  for (const entry of life.sent) checkEntry(life, entry, broken)
  const { epochs, changes, healed } = life.tally
  if (epochs > (2 + healed) * changes) {
    broken.push(`D6 ${epochs} epochs for ${changes} changes and ${healed} healed partitions`)
  }
  return broken
}

const LOOK_MS = 15_000
const MINUTE_MS = 60_000
/** After the last heal: several times what repair may take. */
const REST_MS = 8 * MINUTE_MS

/** D7: nobody who is there waits longer than two minutes for an epoch to send in. */
function checkReach(life: PureLife, broken: string[]): void {
  const since = new Map<PureMember, number>()
  for (let ms = 0; ms < REST_MS; ms += LOOK_MS) {
    life.rest(LOOK_MS)
    for (const one of life.honest) {
      const waits = one.isMember && one.choose().kind === 'wait'
      const from = since.get(one) ?? ms
      if (waits) since.set(one, from)
      else since.delete(one)
      if (!waits || ms - from < 2 * MINUTE_MS) continue
      broken.push(`D7 ${one.person.name} cannot send`)
      since.delete(one)
    }
  }
}

/** D1, D2: the same operations amount to the same everywhere. */
function checkStates(life: PureLife, here: readonly PureMember[], broken: string[]): void {
  const inside = here.filter((one) => one.isMember)
  const [first, ...others] = inside
  if (first === undefined) return
  const state = stateOf(first, life.sent)
  for (const other of others) {
    if (stateOf(other, life.sent) === state) continue
    broken.push(`D1 ${first.person.name} and ${other.person.name} see different groups`)
  }
}

function checkEntry(life: PureLife, entry: SentEntry, broken: string[]): void {
  const sender = life.members.find((one) => one.person.name === entry.author.name)
  if (sender === undefined || sender.byzantine) return
  const { text, members } = entry
  // D3: encrypted to nobody outside of what the sender knew.
  for (const device of [...life.recipientsOf(entry.epoch), ...entry.topUp]) {
    if (!members.includes(device)) {
      broken.push(`D3 "${text}" went to ${life.nameOf(device)}, no member for its sender`)
    }
  }
  for (const one of life.members) {
    const mayOpen = one.held.has(entry.epoch) && one.seen.has(text)
    if (mayOpen && !members.includes(one.key)) {
      broken.push(`D3 "${text}" opens at ${one.person.name}, whom its sender knew removed`)
    }
    if (one.byzantine || one.dag === undefined || !members.includes(one.key)) continue
    // D4: everybody whom the sender knew as a member has it, unless a removal cut it off.
    if (one.shown.has(text) || !one.isMember) continue
    const { id, n, op, author } = entry
    const ref = { id, n, op, author: author.device }
    if (entryStanding(one.dag, ref).kind !== 'stands') continue
    broken.push(`D4 "${text}" never came to ${one.person.name}`)
  }
}
