// Somebody asks to join who cannot be added: that is answered, and its question stands in nobody's way.
import { describe, expect, it } from 'vitest'
import {
  inviteId,
  inviteProof,
  openDeviceList,
  parseInviteLink,
  signDeviceCert,
  signDeviceList,
} from '../../../crypto/index.ts'
import { nativeCrypto as crypto } from '../../../node/native-crypto.ts'
import { adoptDeviceList, joinAckFrame, peers } from '../../../protocol/index.ts'
import { createInvite } from '../../../protocol/contacts/create-invite.ts'
import { controlFrame } from '../../../protocol/delivery/control.ts'
import { GROUP_OPS_MAX } from '../../../protocol/group-limits.ts'
import { takeSeed } from '../../../protocol/groups/intake.ts'
import { takeJoinIntro } from '../../../protocol/groups/judge.ts'
import { addOperations } from '../../../protocol/groups/membership.ts'
import { keepJoin, pendingJoinOf } from '../../../protocol/groups/pending-joins.ts'
import { newPeer } from '../../../protocol/peers/peer.ts'
import { bytesOf } from '../../support/entries.ts'
import { makeSelf } from '../../support/memory-driver.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { TwoDevices } from '../../support/two-devices.ts'
import { openedFrom } from '../../support/opened-inner.ts'

const TRANSCRIPT = bytesOf('transcript')

class Door {
  readonly world: TwoDevices
  readonly #accountSeed: Uint8Array
  readonly #asker

  constructor(name: string) {
    this.world = new TwoDevices(name)
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

  /** Asks by a link of the group; what is answered. */
  ask(): string | undefined {
    const { driver, gid } = this.world
    const { account, device } = this.#asker
    const expiresAtS = Math.floor(driver.nowMs / 1000) + 3_600
    const where = { kind: 'direct', transportKey: bytesOf('home') } as const
    const address = '/ip4/10.0.0.1/tcp/4001'
    const wanted = { where, address, reusable: true, expiresAtS, group: { gid, approve: false } }
    const { secret } = parseInviteLink(
      crypto,
      driver.run((turn) => createInvite(turn, wanted)).link,
    )
    const invite = { id: inviteId(crypto, secret), proof: inviteProof(crypto, secret, TRANSCRIPT) }
    const opened = openedFrom(account, device, TRANSCRIPT)
    const peer = newPeer({ account, device, dh: this.#asker.dh })
    const intro = { invite, name: 'asker', mailboxes: [] }
    driver.run((turn) => takeJoinIntro(turn, { peer, opened, storedAtS: undefined }, intro))
    const answer = driver.run(() => controlFrame(device, 1))
    return answer === undefined ? undefined : joinAckFrame.decode(answer.body).state
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
