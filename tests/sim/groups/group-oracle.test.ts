// The oracle of groups sees what it is there to see: a sound group, and one thing wrong with it.
import { beforeAll, describe, expect, test } from 'vitest'
import { type Person, World } from '../world.ts'
import { GroupLog, viewOf } from './group-log.ts'
import { type Judged, judgeEpochs, judgeViews, lookAll } from './group-oracle.ts'

let world: World
let log: GroupLog
let seen: readonly Judged[]

beforeAll(async () => {
  world = new World('group oracle')
  const { simulation } = world
  await world.relay()
  const people: Person[] = []
  for (const name of ['alice', 'bob', 'carol']) people.push(await world.person(name))
  const [alice, ...others] = people
  if (alice === undefined) throw new Error('nobody')
  await world.invite(alice)
  const { groups } = alice.machine.program.node
  const { id } = await simulation.settle(groups.create('team'))
  log = new GroupLog(id)
  const { link } = await simulation.settle(groups.invite(id, { reusable: true }))
  for (const { machine } of others) await simulation.settle(machine.program.node.groups.join(link))
  const isFull = async (): Promise<boolean> => {
    const views = await Promise.all(people.map(({ machine }) => viewOf(machine, id)))
    return views.every((view) => view?.members.length === 3)
  }
  while (!(await simulation.settle(isFull()))) await simulation.run(500)
  for (const person of people) for (let i = 0; i < 2; i++) await simulation.settle(log.say(person))
  await simulation.run(120_000)
  seen = await lookAll(world, log)
})

/** What is said of the group where bob's view is another. */
function judgedWith(changed: (bob: Judged) => Judged): string {
  return judgeViews(
    log,
    seen.map((one) => (one.person.name === 'bob' ? changed(one) : one)),
  ).join('\n')
}

function withGroup(one: Judged, change: Partial<NonNullable<Judged['group']>>): Judged {
  if (one.group === undefined) throw new Error('no view')
  return { ...one, group: { ...one.group, ...change } }
}

describe('the oracle of groups', () => {
  test('has nothing against a sound one', () => {
    expect(judgeViews(log, seen)).toEqual([])
    expect(seen.every(({ messages }) => messages.length === 6)).toBe(true)
    expect(judgeEpochs({ changes: 3, epochs: 1 }, 0)).toEqual([])
  })

  test('sees an operation that one lacks, and a role that differs', () => {
    expect(judgedWith((bob) => ({ ...bob, ops: bob.ops.slice(0, -1) }))).toMatch(/D1 .*operations/)
    const members = seen[1]?.group?.members.map((one) => ({ ...one, role: 'admin' as const })) ?? []
    expect(judgedWith((bob) => withGroup(bob, { members }))).toMatch(/D1 .*other members/)
    expect(judgedWith((bob) => withGroup(bob, { state: 'removed' }))).toMatch(/D1 .* are in/)
  })

  test('sees another order', () => {
    const turned = judgedWith((bob) => ({ ...bob, messages: bob.messages.toReversed() }))
    expect(turned).toMatch(/D2/)
  })

  test('sees what is read by whom it was not said to', () => {
    const [first] = log.said
    if (first === undefined) throw new Error('nothing was said')
    const { allowed, owed } = first
    first.allowed = new Set()
    first.owed = new Set()
    expect(judgeViews(log, seen).join()).toMatch(/D3 bob reads/)
    first.allowed = allowed
    first.owed = owed
  })

  test('sees what is lost, unreadable, twice there, or said by nobody', () => {
    expect(judgedWith((bob) => ({ ...bob, messages: bob.messages.slice(1) }))).toMatch(
      /D4 bob lacks/,
    )
    const closed = judgedWith((bob) => ({
      ...bob,
      messages: bob.messages.map((one) => ({ ...one, kind: 'absent' as const, text: 'gone' })),
    }))
    expect(closed).toMatch(/D4 bob cannot read/)
    const twice = judgedWith((bob) => ({ ...bob, messages: [...bob.messages, ...bob.messages] }))
    expect(twice).toMatch(/shows ".*" 2 times/)
    const forged = judgedWith((bob) => ({
      ...bob,
      messages: bob.messages.map((one) => ({ ...one, text: `${one.text}!` })),
    }))
    expect(forged).toMatch(/which nobody said/)
  })

  test('sees what waits, what is missing, and who has no key', () => {
    expect(judgedWith((bob) => withGroup(bob, { waiting: 1 }))).toMatch(/D4 bob has 1 waiting/)
    expect(judgedWith((bob) => withGroup(bob, { missing: 2 }))).toMatch(/D4 bob misses 2/)
    expect(judgedWith((bob) => withGroup(bob, { epoch: '' }))).toMatch(/D7 bob has no key/)
  })

  test('sees a storm of epochs', () => {
    expect(judgeEpochs({ changes: 3, epochs: 7 }, 0).join()).toMatch(/D6 7 epochs/)
    expect(judgeEpochs({ changes: 3, epochs: 7 }, 1)).toEqual([])
  })

  test('expects nothing of liars, and of the honest beside them all that it did', () => {
    const [alice, bob] = seen
    const liars = new Set([bob?.person.address ?? ''])
    const honest = seen.filter((one) => one !== bob)
    expect(judgeViews(log, honest)).not.toEqual([])
    expect(judgeViews(log, honest, liars)).toEqual([])
    if (alice === undefined) throw new Error('nobody')
    const changed = (change: Partial<Judged>): string =>
      judgeViews(log, [{ ...alice, ...change }, ...honest.slice(1)], liars).join('\n')
    expect(changed({ ops: alice.ops.slice(0, -1) })).toMatch(/D1 .*operations/)
    expect(changed({ messages: alice.messages.slice(1) })).toMatch(/D4 alice lacks/)
    // What a liar said after its removal is for nobody.
    const lie = { text: 'an old epoch', from: alice.person, id: undefined }
    log.said.push({ ...lie, owed: new Set(), allowed: new Set() })
    const [first] = alice.messages
    if (first === undefined) throw new Error('nothing was said')
    const shown = { ...first, id: 'f'.repeat(64), text: lie.text, kind: 'text' as const }
    expect(changed({ messages: [...alice.messages, shown] })).toMatch(
      /D3 alice reads "an old epoch"/,
    )
    log.said.pop()
  })

  test('excuses what nobody has of one who was removed, and nothing else', async () => {
    const { simulation } = world
    const [alice, carol] = [seen[0]?.person, seen[2]?.person]
    if (alice === undefined || carol === undefined) throw new Error('nobody')
    const { groups } = alice.machine.program.node
    await simulation.settle(groups.remove('#team', carol.address))
    await simulation.run(120_000)
    const after = await lookAll(world, log)
    expect(judgeViews(log, after)).toEqual([])
    const without = (from: Person, who: readonly string[]): string => {
      const text = log.said.find((said) => said.from === from)?.text
      const lacking = after.map((one) =>
        who.includes(one.person.name)
          ? { ...one, messages: one.messages.filter((message) => message.text !== text) }
          : one,
      )
      return judgeViews(log, lacking).join()
    }
    expect(without(carol, ['alice', 'bob'])).not.toMatch(/D4/)
    expect(without(carol, ['bob'])).toMatch(/D4 bob lacks/)
    expect(without(alice, ['alice', 'bob'])).toMatch(/D4 bob lacks/)
    const missing = (author: Person, irretrievable: boolean): string => {
      const { name, address } = author
      const gap = { name, address, device: '', from: 2, to: 3, authorAway: false, asked: [] }
      const withGap = after.map((one) =>
        one.person.name === 'bob'
          ? withGroup(one, { missing: 2, gaps: [{ ...gap, irretrievable }] })
          : one,
      )
      return judgeViews(log, withGap).join()
    }
    expect(missing(carol, true)).toBe('')
    expect(missing(carol, false)).toMatch(/D4 bob misses 2/)
    expect(missing(alice, true)).toMatch(/D4 bob misses 2/)
  })
})
