// What was said in a group, and to whom by the sender's own view: what the oracle compares with what
// is shown. A change of the view while it was being sent leaves both answers right.
import type { Group } from '../../../node/api-groups.ts'
import type { NodeMachine } from '../node-machine.ts'
import type { Person } from '../world.ts'

export interface Said {
  readonly text: string
  readonly from: Person
  /** Undefined while send() did not resolve: then it may be there or not. */
  id: string | undefined
  /** Addresses that were members before and after: each of them is owed it. */
  owed: ReadonlySet<string>
  /** Members before or after: nobody else may read it. */
  allowed: ReadonlySet<string>
}

/** A person's own view of the group; undefined where it has none or is not running. */
export async function viewOf(machine: NodeMachine, gid: string): Promise<Group | undefined> {
  const all = await machine.program.node.groups.list()
  return all.find(({ id }) => id === gid)
}

function addressesOf(group: Group | undefined): ReadonlySet<string> {
  return new Set((group?.members ?? []).map(({ address }) => address))
}

export class GroupLog {
  readonly said: Said[] = []
  /** Said while there was no key: each goes out when there is one, to who is a member then. */
  readonly #waiting = new Set<Said>()
  readonly gid: string

  constructor(gid: string) {
    this.gid = gid
  }

  /** Resolves once it was said or refused; a crash leaves it pending for ever. */
  async say(from: Person): Promise<void> {
    const { machine, name } = from
    const { node } = machine.program
    const before = addressesOf(await viewOf(machine, this.gid))
    const text = `${name} ${this.said.length + 1}`
    const entry: Said = { text, from, id: undefined, owed: new Set(), allowed: before }
    this.said.push(entry)
    const { id } = await node.chats.send(`#${this.gid}`, text)
    const view = await viewOf(machine, this.gid)
    const after = addressesOf(view)
    entry.id = id
    if (view?.epoch === '') this.#waiting.add(entry)
    entry.owed = new Set([...before].filter((address) => after.has(address)))
    entry.allowed = new Set([...before, ...after])
  }

  /** To be called often: whom a new link brings while a text waits for a key may read that as well. */
  async look(): Promise<void> {
    for (const entry of this.#waiting) {
      const { machine } = entry.from
      const view = machine.running ? await viewOf(machine, this.gid) : undefined
      if (view === undefined) continue
      entry.allowed = new Set([...entry.allowed, ...addressesOf(view)])
      if (view.epoch !== '') this.#waiting.delete(entry)
    }
  }
}
