// How far members say they hold what this device wrote, and what is shown of it.
import { describe, expect, it } from 'vitest'
import type { DeviceList } from '../../../crypto/index.ts'
import { evidence, get, shownState } from '../../../protocol/index.ts'
import { takeOperations } from '../../../protocol/groups/intake.ts'
import { knownMembership } from '../../../protocol/groups/membership.ts'
import { noteReached, reachedN, settleReached } from '../../../protocol/groups/reached.ts'
import { appendEntry } from '../../../protocol/log/append.ts'
import { bytesOf } from '../../support/entries.ts'
import { TwoDevices, listOfSomebody } from '../../support/two-devices.ts'

class Talk {
  readonly world: TwoDevices

  constructor(name: string) {
    this.world = new TwoDevices(name)
  }

  /** Takes somebody in; its device. */
  add(list: DeviceList): Uint8Array {
    this.#take(this.world.add([], list).op.bytes)
    return deviceOf(list)
  }

  remove({ account }: DeviceList): void {
    const payload = { kind: 'remove', target: account, cut: [], reason: 0 } as const
    this.#take(this.world.write(payload).op.bytes)
  }

  #take(op: Uint8Array): void {
    const { driver, gid } = this.world
    driver.run((turn) => takeOperations(turn, gid, [op]))
  }

  write(count = 1): readonly Uint8Array[] {
    const { driver, gid } = this.world
    return Array.from({ length: count }, () =>
      driver.run(function* (turn) {
        const { highestHead: op } = yield* knownMembership(turn, gid)
        const parts = { conversation: gid, op, kind: 1, body: bytesOf('text'), sentAtMs: 0 }
        const { id, n } = yield* appendEntry(turn, parts)
        const group = { custody: [], heldAtMs: 0, readAtMs: 0, closed: '', epoch: undefined }
        turn.put(evidence, id, { conversation: gid, n, queuedAtMs: 0, devices: [], group })
        return id
      }),
    )
  }

  stateOf(entry: Uint8Array | undefined): string | undefined {
    return this.world.driver.run(function* (turn) {
      const row = entry === undefined ? undefined : yield* get(evidence, entry)
      return row === undefined ? undefined : shownState(row, turn.nowMs).state
    })
  }

  /** A device says that it holds all up to n, and that its user read all up to readN. */
  hear(device: Uint8Array, n: number, readN = n): void {
    const { driver, gid } = this.world
    driver.run(function* (turn) {
      yield* noteReached(turn, yield* knownMembership(turn, gid), device, n, readN)
    })
  }

  settle(): boolean {
    const { driver, gid } = this.world
    return driver.run(function* (turn) {
      return yield* settleReached(turn, yield* knownMembership(turn, gid))
    })
  }

  get reachedN(): number {
    return this.world.driver.run(() => reachedN(this.world.gid))
  }
}

function deviceOf({ devices }: DeviceList): Uint8Array {
  const [first] = devices
  if (first === undefined) throw new Error('a device')
  return first.device
}

const BOB = listOfSomebody('bob')
const CAROL = listOfSomebody('carol')

describe('what members hold of ours', () => {
  it('is shown of thousands of entries that one frontier names, a thousand a turn', () => {
    const talk = new Talk('long away')
    const bob = talk.add(BOB)
    const ids = talk.write(2_100)
    talk.hear(bob, 2_100, 1_500)
    expect(talk.stateOf(ids[999])).toBe('read')
    expect(talk.stateOf(ids[1_000])).toBe('queued')
    const { driver, gid } = talk.world
    expect(driver.effects).toContainEqual({ kind: 'group', gid })
    let turns = 1
    while (talk.settle()) turns++
    expect(turns).toBe(2)
    expect(talk.stateOf(ids[1_499])).toBe('read')
    expect(talk.stateOf(ids[1_500])).toBe('delivered')
    expect(talk.stateOf(ids[2_099])).toBe('delivered')
    expect(talk.settle()).toBe(false)
  })

  it('is nothing that is not written yet, whatever one of them says', () => {
    const talk = new Talk('claimed ahead')
    const [bob, liar] = [talk.add(BOB), talk.add(CAROL)]
    talk.write(3)
    for (const n of [1_000_000, 2_000_000]) talk.hear(liar, n)
    expect(talk.reachedN).toBe(3)
    const [fourth] = talk.write()
    expect(talk.stateOf(fourth)).toBe('queued')
    talk.hear(bob, 4, 0)
    expect(talk.stateOf(fourth)).toBe('delivered')
  })

  it('is nothing of which one holds the header alone: what was said before it came', () => {
    const talk = new Talk('said alone')
    const [alone] = talk.write()
    const bob = talk.add(BOB)
    const [together] = talk.write()
    talk.hear(bob, 2)
    expect(talk.stateOf(alone)).toBe('queued')
    expect(talk.stateOf(together)).toBe('read')
    expect(talk.reachedN).toBe(2)
  })

  it('is nothing that was said between its removal and its return, and all of that by who stayed', () => {
    const talk = new Talk('back')
    const [bob, carol] = [talk.add(BOB), talk.add(CAROL)]
    const [before] = talk.write()
    talk.remove(BOB)
    const [without] = talk.write()
    talk.add(BOB)
    const [after] = talk.write()
    talk.hear(bob, 3)
    expect([before, without, after].map((one) => talk.stateOf(one))).toEqual([
      'read',
      'queued',
      'read',
    ])
    talk.hear(carol, 3, 0)
    expect(talk.stateOf(without)).toBe('delivered')
  })
})
