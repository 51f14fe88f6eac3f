// Who holds what in a group too large for everybody to say so (SPEC.md §21): who wrote asks, seldom,
// and few answer.
import { describe, expect, it } from 'vitest'
import { frontierRequestFrame, gapsOf, textContent } from '../../../protocol/index.ts'
import { askFrontiers } from '../../../protocol/groups/ask-frontiers.ts'
import { takeFrontierRequest } from '../../../protocol/groups/frontiers.ts'
import { Membership } from '../../../protocol/groups/membership.ts'
import { ownControl, waitingControls } from '../../../protocol/groups/own-control.ts'
import { noteReached } from '../../../protocol/groups/reached.ts'
import { FRONTIER_ASK_AGAIN_MS, FRONTIER_MAX_MS } from '../../../protocol/group-limits.ts'
import { appendEntry } from '../../../protocol/log/append.ts'
import { GroupWorld, crypto, person } from '../../support/group-world.ts'
import { MemoryDriver } from '../../support/memory-driver.ts'

const ann = person('ann')

function groupOf(size: number): GroupWorld {
  const world = new GroupWorld(ann)
  const others = Array.from({ length: size - 1 }, (_, i) => person(`p${i}`))
  for (let at = 0; at < others.length; at += 16) world.add(ann, others.slice(at, at + 16))
  return world
}

class Writer {
  readonly driver = new MemoryDriver({ seed: 'writer', crypto })
  readonly #world: GroupWorld

  constructor(world: GroupWorld) {
    this.#world = world
  }

  write(): void {
    const { root } = this.#world
    this.driver.run((turn) =>
      appendEntry(turn, {
        conversation: root.id,
        op: root.id,
        kind: textContent.kind,
        body: textContent.encode({ text: 'hello', replyTo: undefined }),
        sentAtMs: turn.nowMs,
      }),
    )
  }

  /** Looks whether to ask; the n of the question that goes out, undefined where none does. */
  look(): number | undefined {
    const { dag, root } = this.#world
    this.driver.run((turn) => askFrontiers(turn, new Membership(turn, dag)))
    const [row] = this.driver.rows(waitingControls)
    if (row === undefined) return undefined
    const { kind, body } = row.frame
    this.driver.run(function* sent(turn) {
      yield* []
      turn.remove(waitingControls, { gid: root.id, kind })
    })
    return frontierRequestFrame.decode(body).value.n
  }
}

describe('a question for frontiers', () => {
  it('goes out when somebody wrote, not again within 5 minutes, and not once it is held', () => {
    const world = groupOf(51)
    const writer = new Writer(world)
    expect(writer.look()).toBeUndefined()
    writer.write()
    expect(writer.look()).toBe(1)
    expect(writer.look()).toBeUndefined()
    writer.write()
    writer.driver.advance(FRONTIER_MAX_MS - 1)
    expect(writer.look()).toBeUndefined()
    writer.driver.advance(1)
    expect(writer.look()).toBe(2)
    writer.driver.advance(FRONTIER_ASK_AGAIN_MS - 1)
    expect(writer.look()).toBeUndefined()
    writer.driver.advance(1)
    expect(writer.look()).toBe(2)
    const device = person('p1').device
    writer.driver.run((turn) => noteReached(turn, new Membership(turn, world.dag), device, 2, 0))
    writer.driver.advance(2 * FRONTIER_ASK_AGAIN_MS)
    expect(writer.look()).toBeUndefined()
  })

  it('is not asked in a group where all say what they hold', () => {
    const writer = new Writer(groupOf(50))
    writer.write()
    expect(writer.look()).toBeUndefined()
  })

  it('is answered by some 16 of a thousand, and by all of a dozen', () => {
    const answers = (size: number): number => {
      const world = groupOf(size)
      const { device } = person('p1')
      return Array.from({ length: size }, (_, i) => {
        const driver = new MemoryDriver({ seed: `answers ${i}`, crypto })
        driver.run((turn) => {
          const members = new Membership(turn, world.dag)
          return takeFrontierRequest(turn, members, device, { author: device, n: 1 })
        })
        return driver.run(() => ownControl(world.root.id)).frontierAskedMs > 0
      }).filter(Boolean).length
    }
    expect(answers(12)).toBe(12)
    const few = answers(1_000)
    expect(few).toBeGreaterThan(4)
    expect(few).toBeLessThan(40)
  })

  it('tells of entries that did not come: of who asks, and of nobody else', () => {
    const world = groupOf(51)
    const gid = world.root.id
    const [asks, other] = [person('p1').device, person('p2').device]
    const driver = new MemoryDriver({ seed: 'gaps', crypto })
    const ask = (device: Uint8Array, author: Uint8Array): void =>
      driver.run((turn) => {
        const members = new Membership(turn, world.dag)
        return takeFrontierRequest(turn, members, device, { author, n: 3 })
      })
    ask(asks, other)
    ask(person('stranger').device, person('stranger').device)
    expect(driver.run((turn) => gapsOf(turn, gid))).toEqual([])
    ask(asks, asks)
    expect(driver.run((turn) => gapsOf(turn, gid))).toMatchObject([
      { author: asks, from: 1, to: 3 },
    ])
  })
})
