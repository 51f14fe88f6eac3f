// Somebody asks to join who cannot be added: that is answered, and its question stands in nobody's way.
import { describe, expect, it } from 'vitest'
import {
  GROUP_SETTINGS,
  inviteId,
  inviteProof,
  openDeviceList,
  parseInviteLink,
  signDeviceCert,
  signDeviceList,
} from '../../../crypto/index.ts'
import { nativeCrypto as crypto } from '../../../node/native-crypto.ts'
import { adoptDeviceList, get, joinAckFrame, peers } from '../../../protocol/index.ts'
import { createInvite } from '../../../protocol/contacts/create-invite.ts'
import { controlFrame } from '../../../protocol/delivery/control.ts'
import { GROUP_OPS_MAX } from '../../../protocol/group-limits.ts'
import { groupOf } from '../../../protocol/groups/group.ts'
import { takeOperations, takeSeed } from '../../../protocol/groups/intake.ts'
import { takeJoinIntro } from '../../../protocol/groups/judge.ts'
import { removeFromGroup } from '../../../protocol/groups/manage-group.ts'
import { addOperations } from '../../../protocol/groups/membership.ts'
import { keepJoin, pendingJoinOf } from '../../../protocol/groups/pending-joins.ts'
import { takeWelcome } from '../../../protocol/groups/take-welcome.ts'
import { newPeer } from '../../../protocol/peers/peer.ts'
import { bytesOf } from '../../support/entries.ts'
import { makeSelf } from '../../support/memory-driver.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { TwoDevices, listOfSomebody } from '../../support/two-devices.ts'
import { openedFrom } from '../../support/opened-inner.ts'

class Door {
  readonly world: TwoDevices
  readonly #accountSeed: Uint8Array
  readonly #asker
  #asked = 0

  constructor(name: string, world = new TwoDevices(name)) {
    this.world = world
    const { driver, gid, root } = this.world
    const secret = { secretKind: 'seed', secret: root.seed, lineage: undefined } as const
    driver.run((turn) => takeSeed(turn, gid, root.op.bytes, secret))
    const random = seededRandom(`asker of ${name}`)
    this.#accountSeed = random(32)
    this.#asker = makeSelf(random, crypto, this.#accountSeed)
    const { account, device, dh } = this.#asker
    driver.run(function* (turn) {
      turn.put(peers, device, newPeer({ account, device, dh }))
    })
    this.show(1)
  }

  /** Shows a list of the asker's. */
  show(version: number, revoked: readonly Uint8Array[] = []): void {
    const { account, deviceSeed, dh } = this.#asker
    const devices = [signDeviceCert(crypto, account, deviceSeed, dh)]
    const bytes = signDeviceList(crypto, this.#accountSeed, { version, devices, revoked })
    this.world.driver.run((turn) => adoptDeviceList(turn, openDeviceList(crypto, bytes)))
  }

  /** A link of the group's. */
  link(reusable = true, approve = false): string {
    const { driver, gid } = this.world
    const expiresAtS = Math.floor(driver.nowMs / 1000) + 3_600
    const where = { kind: 'direct', transportKey: bytesOf('home') } as const
    const address = '/ip4/10.0.0.1/tcp/4001'
    const wanted = { where, address, reusable, expiresAtS, group: { gid, approve } }
    return driver.run((turn) => createInvite(turn, wanted)).link
  }

  /** Asks by a link of the group, on a session of its own; what is answered. */
  ask(link = this.link()): string | undefined {
    const { driver } = this.world
    const { account, device } = this.#asker
    const transcript = bytesOf(`transcript ${++this.#asked}`)
    const { secret } = parseInviteLink(crypto, link)
    const invite = { id: inviteId(crypto, secret), proof: inviteProof(crypto, secret, transcript) }
    const sid = bytesOf(`sid ${this.#asked}`, 16)
    const opened = { ...openedFrom(account, device, transcript), sid }
    const intro = { invite, name: 'asker', mailboxes: [] }
    return driver.run(function* (turn) {
      const peer = yield* get(peers, device)
      if (peer === undefined) throw new Error('a peer')
      yield* takeJoinIntro(turn, { peer, opened, storedAtS: undefined }, intro)
      let answer: string | undefined
      const sent = (yield* get(peers, device))?.numberedSent ?? 0
      for (let c = peer.numberedSent + 1; c <= sent; c++) {
        const frame = yield* controlFrame(device, c)
        if (frame?.kind === joinAckFrame.kind) answer = joinAckFrame.decode(frame.body).state
      }
      return answer
    })
  }

  removeAsker(): void {
    const { driver, gid } = this.world
    const { account } = this.#asker
    driver.run(function* (turn) {
      const group = yield* groupOf(gid)
      if (group !== undefined) yield* removeFromGroup(turn, group, account)
    })
  }
}

describe('who asks to join', () => {
  it('is let in where nothing speaks against it', () => {
    expect(new Door('open').ask()).toBe('accepted')
  })

  it('is refused while two lists of one version are known of it', () => {
    const door = new Door('two lists')
    door.show(1, [bytesOf('a device that was')])
    expect(door.ask()).toBe('refused')
  })

  it('is told that the group is full where it can have no operation more', () => {
    const door = new Door('no operation more')
    const { world } = door
    const ops = Array.from({ length: GROUP_OPS_MAX - 1 }, (_, number) =>
      world.write({ kind: 'unknown', number: 99, value: [number] }),
    )
    const { driver, gid } = world
    driver.run((turn) =>
      addOperations(
        turn,
        gid,
        ops.map(({ op }) => op),
      ),
    )
    expect(door.ask()).toBe('full')
  })

  it('does not come back by the link by which it was in, after its removal', () => {
    const door = new Door('removed')
    const link = door.link()
    expect(door.ask(link)).toBe('accepted')
    door.removeAsker()
    expect(door.ask(link)).toBe('used')
    expect(door.ask()).toBe('accepted')
  })

  it('is not let in by a link for one by which somebody is in, though the claim was lost', () => {
    const door = new Door('claim lost')
    const link = door.link(false)
    const inviteHash = crypto.sha256(inviteId(crypto, parseInviteLink(crypto, link).secret))
    const { world } = door
    const { op } = world.add([], listOfSomebody('the first'), inviteHash)
    world.driver.run((turn) => takeOperations(turn, world.gid, [op.bytes]))
    expect(door.ask(link)).toBe('used')
    expect(door.ask(door.link(false))).toBe('accepted')
  })

  it('is not let in by a member that may add nobody, but by one that may', () => {
    const asked = (settings: number, approve = false): string | undefined => {
      const name = `settings ${settings} ${approve}`
      const world = new TwoDevices(name, 'joining')
      const { op: add, ...secrets } = world.add([])
      const { op: meta } = world.write({ kind: 'meta', name: 'n', settings })
      const from = openedFrom(bytesOf('account'), bytesOf('device'), bytesOf('transcript'))
      const page = { c: 1, operations: 3, page: 1, pages: 1, authors: [] }
      const told = { ...page, group: world.gid, addOp: add.id, ...secrets }
      world.driver.run((turn) => takeWelcome(turn, from, told))
      const ops = [world.root.op, add, meta].map(({ bytes }) => bytes)
      world.driver.run((turn) => takeOperations(turn, world.gid, ops))
      const door = new Door(name, world)
      return door.ask(door.link(true, approve))
    }
    expect(asked(0)).toBe('refused')
    expect(asked(0, true)).toBe('refused')
    expect(asked(GROUP_SETTINGS.membersAdd)).toBe('accepted')
    expect(asked(GROUP_SETTINGS.approval)).toBe('pending')
  })

  it('waits for an admin alone, where two ask by a link for one', () => {
    const first = new Door('first of two')
    const second = new Door('second of two', first.world)
    const link = first.link(false, true)
    expect(first.ask(link)).toBe('pending')
    expect(second.ask(link)).toBe('used')
    expect(first.ask(link)).toBe('pending')
  })

  it('is not asked by another invite, or called otherwise, because a member says so', () => {
    const world = new TwoDevices('told by another')
    const { driver, gid } = world
    const account = bytesOf('an account')
    const real = { account, inviteId: bytesOf('ours', 16), name: 'mallory', ours: true }
    const told = { account, inviteId: bytesOf('told', 16), name: 'bob', ours: false }
    driver.run((turn) => keepJoin(turn, gid, real))
    driver.run((turn) => keepJoin(turn, gid, told))
    expect(driver.run((turn) => pendingJoinOf(turn, gid, account))).toMatchObject(real)
    // By another link of ours it asks anew.
    const anew = { ...real, inviteId: bytesOf('anew', 16) }
    driver.run((turn) => keepJoin(turn, gid, anew))
    expect(driver.run((turn) => pendingJoinOf(turn, gid, account))).toMatchObject(anew)
  })
})
