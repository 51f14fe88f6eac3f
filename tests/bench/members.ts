// One group that grows: every member a whole node with rows of its own, one relay between them, and
// at each size what its members do, by machine. Most are away while it grows, as somebody is who
// closed a laptop; whoever is measured is there.
import { groupSeedFrame } from '../../protocol/index.ts'
import { pooledRandom as random } from '../../node/random.ts'
import { Crowd, type CrowdMember, RELAY, type Use } from './crowd.ts'
import { cpuUs } from './measure.ts'
import type { Plan } from './plan.ts'
import { sotto } from './sotto-messaging.ts'
import { type Figure, dearer, micros } from './table.ts'

const TEXT = 'a'.repeat(256)
const SECOND_MS = 1_000
/** Members who are there beside who acts. */
const WATCHERS = 3
const MESSAGES = 20
/** Size of the smallest group: what must not grow with a group is held against it. */
const SMALL = 8

/** What something cost at one size. */
interface Cost {
  readonly actorUs: number
  readonly relayUs: number
  /** Of one of the others who are there. */
  readonly eachUs: number
  readonly sentBytes: number
}

export class GrowingGroup {
  readonly crowd = new Crowd()
  readonly members: CrowdMember[] = []
  readonly #say: (text: string) => void
  #link = ''
  #texts = 0
  #made = 0

  constructor(say: (text: string) => void) {
    this.#say = say
  }

  get actor(): CrowdMember {
    const [first] = this.members
    if (first === undefined) throw new Error('nobody is there')
    return first
  }

  #newMember(): CrowdMember {
    this.#made += 1
    const member = this.crowd.member(`m${this.#made}`)
    this.members.push(member)
    return member
  }

  async create(): Promise<Cost> {
    await this.crowd.relay()
    const { name, start, node } = this.#newMember()
    await start()
    await this.#connected(node)
    const cost = await this.#measure('create', async () => {
      await this.crowd.call(name, () => node().groups.create('team'))
    })
    const { groups } = node()
    this.#link = (await this.crowd.settle(groups.invite('#team', { reusable: true }))).link
    return cost
  }

  async #connected(node: CrowdMember['node']): Promise<void> {
    await this.crowd.until(async () => {
      const { relays } = await node().status()
      return relays.some(({ connected }) => connected)
    })
  }

  /** One more, by link. */
  async #join(): Promise<CrowdMember> {
    const member = this.#newMember()
    await member.start()
    await this.#connected(member.node)
    const { groups } = member.node()
    const { number } = await this.crowd.call(member.name, () => groups.join(this.#link))
    await this.crowd.until(async () => {
      const all = await groups.list()
      return all.find((one) => one.number === number)?.state === 'joined'
    })
    return member
  }

  async growTo(size: number): Promise<Cost> {
    const from = this.members.length
    return this.#measure(
      'add',
      async () => {
        while (this.members.length < size) {
          const member = await this.#join()
          // Until it told the others where it is reached.
          await this.crowd.pass(3 * SECOND_MS)
          if (this.members.length > WATCHERS + 1) await member.stop()
          // Of those who are away one comes back, and the last one is asked for its address.
          if (this.members.length > WATCHERS + 3) this.members.at(-2)?.forget()
          if (this.members.length % 50 === 0) this.#say(`${this.members.length} members`)
        }
      },
      size - from,
    )
  }

  #costOf(used: ReadonlyMap<string, Use>, times: number): Cost {
    const actor = used.get(this.actor.name)
    const others = this.members.slice(1, WATCHERS + 1).map(({ name }) => used.get(name)?.cpuUs ?? 0)
    return {
      actorUs: (actor?.cpuUs ?? 0) / times,
      relayUs: (used.get(RELAY)?.cpuUs ?? 0) / times,
      eachUs: others.reduce((sum, us) => sum + us, 0) / Math.max(1, others.length) / times,
      sentBytes: (actor?.sentBytes ?? 0) / times,
    }
  }

  async #measure(what: string, work: () => Promise<void>, times = 1): Promise<Cost> {
    const cost = this.#costOf(await this.crowd.during(work), times)
    const { actorUs, relayUs, eachUs, sentBytes } = cost
    const told = `actor ${micros(actorUs)}, ${Math.round(sentBytes)} B; each ${micros(eachUs)}`
    this.#say(`${this.members.length} ${what}: ${told}; relay ${micros(relayUs)}`)
    return cost
  }

  /** A change of the group by its owner, until everybody who is there knows. */
  change(what: 'rotate' | 'remove', target = ''): Promise<Cost> {
    const { groups } = this.actor.node()
    return this.#measure(what, async () => {
      await this.crowd.call(this.actor.name, () =>
        what === 'rotate' ? groups.rotate('#team') : groups.remove('#team', target),
      )
      await this.crowd.pass(10 * SECOND_MS)
    })
  }

  send(what: string, count: number): Promise<Cost> {
    const { chats } = this.actor.node()
    const work = async (): Promise<void> => {
      for (let i = 0; i < count; i++) {
        this.#texts += 1
        await this.crowd.call(this.actor.name, () => chats.send('#team', TEXT))
        await this.crowd.pass(200)
      }
    }
    return this.#measure(what, work, count)
  }

  quiet(ms: number): Promise<Cost> {
    return this.#measure('quiet', () => this.crowd.pass(ms))
  }

  /** Who was away longest comes back: its CPU until it has everything, and the bytes it got. */
  async catchUp(member: CrowdMember): Promise<{ readonly cpuUs: number; readonly bytes: number }> {
    const used = await this.crowd.during(async () => {
      await member.start()
      await this.crowd.pass(60 * SECOND_MS)
    })
    const { groups, chats } = member.node()
    const group = await this.crowd.settle(groups.get('#team'))
    const read = await this.crowd.settle(chats.messages('#team', { limit: 10_000 }))
    const told = `${group.members.length} members, ${read.length} of ${this.#texts} messages, ${group.missing} missing`
    const cost = {
      cpuUs: used.get(member.name)?.cpuUs ?? 0,
      bytes: used.get(RELAY)?.sentBytes ?? 0,
    }
    this.#say(`back: ${told}; ${micros(cost.cpuUs)}, ${cost.bytes} B`)
    const isWhole = group.members.length === this.members.length && group.missing === 0
    if (!isWhole || group.held > 0) throw new Error(`not everything came back: ${told}`)
    await member.stop()
    return cost
  }
}

/** CPU time of one seed over a session that is there. */
async function sealUs(): Promise<number> {
  const { alice, bob } = await sotto.pair(new Uint8Array(256))
  const frame = groupSeedFrame.encode({
    c: 300,
    operation: random(500),
    secretKind: 'seed',
    secret: random(32),
    lineage: undefined,
  })
  const count = 100
  let spentUs = 0
  for (let round = 0; round < 8; round++) {
    const before = cpuUs()
    const sealed = Array.from({ length: count }, () => alice.encrypt(frame))
    spentUs = cpuUs() - before
    for (const message of sealed) bob.decrypt(message)
    // An answer, or the chain would end.
    alice.decrypt(bob.encrypt(frame))
  }
  return spentUs / count
}

function bytes(what: string, sentBytes: number): Figure {
  return { what, ours: `${Math.round(sentBytes)} B`, peer: '-', ratio: undefined, goal: undefined }
}

interface AtSize {
  readonly first: Cost
  readonly message: Cost
}

async function measureAt(group: GrowingGroup): Promise<AtSize> {
  await group.crowd.pass(60 * SECOND_MS)
  const first = await group.send('first message', 1)
  await group.send('warm-up', MESSAGES)
  const message = await group.send('message', MESSAGES)
  return { first, message }
}

/** Does to a group of `size` all that its members do. */
async function atSize(
  group: GrowingGroup,
  size: number,
  small: AtSize,
  floorUs: number,
): Promise<Figure[]> {
  const add = await group.growTo(size)
  const { first, message } = await measureAt(group)
  const rotate = await group.change('rotate')
  const fresh = await group.send('first message', 1)
  const last = group.members.pop()
  if (last === undefined) throw new Error('nobody to remove')
  const { address } = await last.start()
  await last.stop()
  const remove = await group.change('remove', address)
  await group.send('message after it', 1)
  const away = group.members[WATCHERS + 1]
  if (away === undefined) throw new Error('nobody was away')
  const back = await group.catchUp(away)
  const minute = await group.quiet(60 * SECOND_MS)
  const of = `group of ${size}`
  const floor = size * floorUs
  const stored = away.storedBytes()
  return [
    dearer(`${of}: send, beside one of ${SMALL}`, message.actorUs, small.message.actorUs, 3),
    dearer(`${of}: receive, beside one of ${SMALL}`, message.eachUs, small.message.eachUs, 3),
    dearer(`${of}: first of an epoch, beside one of ${SMALL}`, first.actorUs, small.first.actorUs),
    dearer(`${of}: first after a rotation`, fresh.actorUs, small.first.actorUs),
    dearer(`${of}: add one, who adds`, add.actorUs, floor),
    dearer(`${of}: take an add in`, add.eachUs, small.message.eachUs),
    dearer(`${of}: rotate, beside ${size} seals`, rotate.actorUs, floor),
    dearer(`${of}: take a rotation in`, rotate.eachUs, small.message.eachUs),
    dearer(`${of}: remove one, beside ${size} seals`, remove.actorUs, floor),
    dearer(`${of}: back after all of that`, back.cpuUs, small.message.eachUs),
    bytes(`${of}: a message of 256 B, on the wire of its sender`, message.sentBytes),
    bytes(`${of}: add one, on the wire of who adds`, add.sentBytes),
    bytes(`${of}: remove one, on the wire of who removes`, remove.sentBytes),
    bytes(`${of}: back after all of that, on the wire`, back.bytes),
    bytes(`${of}: a quiet minute, on the wire of a member`, minute.sentBytes),
    bytes(`${of}: stored by a member, for each member`, stored / size),
    bytes(`${of}: stored by who added all, for each member`, group.actor.storedBytes() / size),
  ]
}

export async function members(plan: Plan, sizes: readonly number[]): Promise<readonly Figure[]> {
  const group = new GrowingGroup(plan.say)
  const create = await group.create()
  await group.growTo(SMALL)
  const small = await measureAt(group)
  const floorUs = await sealUs()
  const table: Figure[] = [
    {
      what: 'create a group',
      ours: micros(create.actorUs),
      peer: '-',
      ratio: undefined,
      goal: undefined,
    },
  ]
  for (const size of sizes) table.push(...(await atSize(group, size, small, floorUs)))
  for (const note of new Set(group.crowd.notes)) plan.say(`a node said: ${note}`)
  return table
}
