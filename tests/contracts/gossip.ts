// What every gossip must do. What is lost on the way is not in it: the suite runs on a network that
// loses nothing, and nothing in a group rests on gossip.
import { randomBytes } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import type { Bytes32 } from '../../crypto/index.ts'
import type { Clock } from '../../node/clock.ts'
import type { Gossip, GossipMessage, GossipVerdict } from '../../node/gossip.ts'
import type { Host, Network, ProtocolSpec } from '../../node/transport.ts'
import { GOSSIP_OUT_MS, GOSSIP_PEER_BURST } from '../../protocol/group-limits.ts'

const CONNECT: ProtocolSpec = { id: '/sotto/contract/1', maxFrameBytes: 1024 }
const MAX_BYTES = 65_536
const TOPIC = '/sotto/1/g/aaaaaaaaaaaaaaaaaaaaaaaaaa'
const OTHER = '/sotto/1/g/bbbbbbbbbbbbbbbbbbbbbbbbbb'
/** Two heartbeats of gossipsub, and more than the memory's delay. */
const SETTLED_MS = 2_500

export interface GossipSetup {
  readonly network: Network
  readonly listen: string
  readonly clock: Clock
  /** Works until `holds`. */
  readonly until: (holds: () => boolean) => Promise<void>
  /** Lets the clock pass. */
  readonly pass: (ms: number) => Promise<void>
  readonly settle?: <T>(promise: Promise<T>) => Promise<T>
}

type Judge = (message: GossipMessage) => GossipVerdict | Promise<GossipVerdict>

interface Member {
  readonly host: Host
  readonly gossip: Gossip
  readonly key: Bytes32
  readonly heard: GossipMessage[]
  /** Whether it heard this data. */
  has(data: Uint8Array): boolean
  judge: Judge
}

function message(size = 512): Uint8Array {
  return new Uint8Array(randomBytes(size))
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : error
}

export function gossipContract(title: string, setup: () => GossipSetup): void {
  describe(`gossip contract: ${title}`, () => {
    const { network, listen, clock, until, pass, settle = (promise) => promise } = setup()
    const members: Member[] = []

    async function member(): Promise<Member> {
      const host = await settle(
        network.createHost({
          seed: new Uint8Array(randomBytes(32)),
          listen: [listen],
          role: 'home',
        }),
      )
      await host.handle(CONNECT, () => undefined)
      const heard: GossipMessage[] = []
      const gossip = await settle(
        host.startGossip({
          clock,
          validate: (each) => {
            heard.push(each)
            return created.judge(each)
          },
        }),
      )
      const created: Member = {
        host,
        gossip,
        key: host.transportKey,
        heard,
        has: (data) => heard.some((each) => same(each.data, data)),
        judge: () => 'accept',
      }
      members.push(created)
      return created
    }

    async function connect(one: Member, other: Member): Promise<void> {
      await settle(
        one.host.dial(other.host.addresses()[0] ?? '', CONNECT, { expectedKey: other.key }),
      )
    }

    /** All of them list each other on a topic, and subscribe. */
    function join(topic: string, ...all: readonly Member[]): void {
      for (const one of all) {
        one.gossip.setPeers(
          topic,
          all.filter((each) => each !== one).map(({ key }) => key),
        )
        one.gossip.subscribe(topic)
      }
    }

    /** Both know that the other listens. */
    async function linked(topic: string, one: Member, other: Member): Promise<void> {
      await until(() => knows(one, other, topic) && knows(other, one, topic))
    }

    function knows(one: Member, other: Member, topic: string): boolean {
      return one.gossip.peersOf(topic).some((key) => same(key, other.key))
    }

    async function pair(): Promise<readonly [Member, Member]> {
      const [a, b] = [await member(), await member()]
      join(TOPIC, a, b)
      await connect(a, b)
      await linked(TOPIC, a, b)
      return [a, b]
    }

    /** a - r - b, all members of the topic, a and b not connected; what a publishes reaches b. */
    async function chain(): Promise<readonly [Member, Member, Member]> {
      const [a, r, b] = [await member(), await member(), await member()]
      join(TOPIC, a, r, b)
      await connect(a, r)
      await connect(r, b)
      await linked(TOPIC, a, r)
      await linked(TOPIC, r, b)
      await flows(TOPIC, a, b)
      return [a, r, b]
    }

    /** Publishes until something arrives: from then on what is lost is lost by intent. */
    async function flows(topic: string, from: Member, to: Member): Promise<void> {
      for (let i = 0; i < 20; i++) {
        const probe = message()
        await settle(from.gossip.publish(topic, probe))
        const endMs = clock.monotonicMs() + 500
        await until(() => to.has(probe) || clock.monotonicMs() > endMs)
        if (to.has(probe)) return
      }
      throw new Error('nothing arrives')
    }

    async function arrives(topic: string, from: Member, to: Member): Promise<void> {
      const marker = message()
      await settle(from.gossip.publish(topic, marker))
      await until(() => to.has(marker))
    }

    afterEach(async () => {
      for (const each of members.splice(0)) await settle(each.host.stop())
    })

    test('delivers to a connected member, with the topic and who handed it over', async () => {
      const [a, b] = await pair()
      const data = message()
      expect(await settle(a.gossip.publish(TOPIC, data))).toBe(1)
      await until(() => b.heard.length === 1)
      expect(b.heard[0]).toEqual({ topic: TOPIC, data, from: a.key })
      expect(a.heard).toEqual([])
    })

    test('carries every ladder size up to 65,536 bytes and refuses more with an error', async () => {
      const [a, b] = await pair()
      for (const size of [1, 512, 1024, 4096, 16_384, MAX_BYTES]) {
        const data = message(size)
        expect(await settle(a.gossip.publish(TOPIC, data))).toBe(1)
        await until(() => b.has(data))
      }
      for (const size of [MAX_BYTES + 1, 4_300_000]) {
        const sent = a.gossip.publish(TOPIC, new Uint8Array(size))
        expect(await settle(sent.catch(codeOf))).toBe('TOO_LARGE')
      }
      expect(await settle(a.gossip.publish(TOPIC, new Uint8Array(0)).catch(codeOf))).toBe('INVALID')
      await arrives(TOPIC, a, b)
      expect(b.heard).toHaveLength(7)
    })

    test('a publication nobody listens to is 0, and no error', async () => {
      const [a, b] = await pair()
      a.gossip.setPeers(OTHER, [b.key])
      expect(await settle(a.gossip.publish(OTHER, message()))).toBe(0)
      const alone = await member()
      expect(await settle(alone.gossip.publish(TOPIC, message()))).toBe(0)
    })

    test('one who does not subscribe can publish, and hears nothing', async () => {
      const [a, b] = await pair()
      b.gossip.subscribe(OTHER)
      b.gossip.setPeers(OTHER, [a.key])
      a.gossip.setPeers(OTHER, [b.key])
      await until(() => knows(a, b, OTHER))
      const data = message()
      expect(await settle(a.gossip.publish(OTHER, data))).toBe(1)
      await until(() => b.has(data))
      expect(await settle(b.gossip.publish(OTHER, message()))).toBe(0)
      await arrives(TOPIC, b, a)
      expect(a.heard).toHaveLength(1)
    })

    test('members hand messages on to members they are connected with', async () => {
      const [a, r, b] = await chain()
      const data = message()
      expect(await settle(a.gossip.publish(TOPIC, data))).toBe(1)
      await until(() => b.has(data))
      expect(r.has(data)).toBe(true)
      expect(b.heard.find((each) => same(each.data, data))?.from).toEqual(r.key)
    })

    test('one in the middle who does not subscribe hands nothing on', async () => {
      const [a, r, b] = await chain()
      // All three list each other on the other topic too; the one in the middle does not subscribe.
      for (const each of [a, r, b]) {
        each.gossip.setPeers(
          OTHER,
          [a, r, b].map(({ key }) => key),
        )
      }
      a.gossip.subscribe(OTHER)
      b.gossip.subscribe(OTHER)
      await arrives(TOPIC, a, b)
      const data = message()
      expect(await settle(a.gossip.publish(OTHER, data))).toBe(0)
      await pass(SETTLED_MS)
      await arrives(TOPIC, a, b)
      expect(r.has(data) || b.has(data)).toBe(false)
      expect(b.gossip.peersOf(OTHER)).toEqual([])
      // It was for want of one who subscribes in the middle.
      r.gossip.subscribe(OTHER)
      await linked(OTHER, a, r)
      await linked(OTHER, r, b)
      await flows(OTHER, a, b)
    })

    test('the same data is delivered once, from whoever it comes', async () => {
      const all = [await member(), await member(), await member(), await member()]
      join(TOPIC, ...all)
      for (const one of all) {
        for (const other of all.slice(all.indexOf(one) + 1)) {
          await connect(one, other)
          await linked(TOPIC, one, other)
        }
      }
      const [a, b, c, d] = all as [Member, Member, Member, Member]
      const data = message()
      await settle(a.gossip.publish(TOPIC, data))
      await until(() => [b, c, d].every((each) => each.has(data)))
      // Seen: neither the publisher nor one who heard it says it again.
      expect(await settle(a.gossip.publish(TOPIC, data))).toBe(0)
      expect(await settle(b.gossip.publish(TOPIC, data))).toBe(0)
      await pass(SETTLED_MS)
      for (const one of all) {
        for (const other of all) if (one !== other) await arrives(TOPIC, one, other)
      }
      for (const each of [b, c, d]) {
        expect(each.heard.filter((one) => same(one.data, data))).toHaveLength(1)
      }
      expect(a.has(data)).toBe(false)
    })

    test('nothing is handed on before its verdict, and only what was accepted', async () => {
      const [a, r, b] = await chain()
      const verdicts = new Map<GossipMessage, (verdict: GossipVerdict) => void>()
      r.judge = (each) => new Promise((resolve) => verdicts.set(each, resolve))
      const sent = { accept: message(), ignore: message(), reject: message() }
      for (const data of Object.values(sent)) await settle(a.gossip.publish(TOPIC, data))
      await until(() => verdicts.size === 3)
      r.judge = () => 'accept'
      await arrives(TOPIC, a, b)
      expect(Object.values(sent).some((data) => b.has(data))).toBe(false)
      for (const [each, decide] of verdicts) {
        const verdict = (['accept', 'ignore', 'reject'] as const).find((name) =>
          same(sent[name], each.data),
        )
        if (verdict !== undefined) decide(verdict)
      }
      await until(() => b.has(sent.accept))
      await arrives(TOPIC, a, b)
      expect(b.has(sent.ignore) || b.has(sent.reject)).toBe(false)
    })

    test('a validator that throws hands nothing on and blames nobody', async () => {
      const [a, r, b] = await chain()
      r.judge = () => {
        throw new Error('cannot tell')
      }
      const lost = [message(), message(), message(), message()]
      for (const data of lost) {
        await settle(a.gossip.publish(TOPIC, data))
        await until(() => r.has(data))
      }
      r.judge = () => 'accept'
      await arrives(TOPIC, a, b)
      expect(lost.some((data) => b.has(data))).toBe(false)
    })

    test('a peer is out for ten minutes after three rejected messages', async () => {
      const [a, b] = await pair()
      b.judge = () => 'reject'
      for (let i = 0; i < 3; i++) {
        const data = message()
        await settle(a.gossip.publish(TOPIC, data))
        await until(() => b.has(data))
      }
      await until(() => !knows(b, a, TOPIC) && !knows(a, b, TOPIC))
      b.judge = () => 'accept'
      expect(await settle(a.gossip.publish(TOPIC, message()))).toBe(0)
      await pass(GOSSIP_OUT_MS - 60_000)
      expect(knows(b, a, TOPIC)).toBe(false)
      expect(await settle(a.gossip.publish(TOPIC, message()))).toBe(0)
      expect(b.heard).toHaveLength(3)
      await pass(120_000)
      await linked(TOPIC, a, b)
      await arrives(TOPIC, a, b)
    })

    test('what a peer sends above its rate is not looked at', async () => {
      const [a, b] = await pair()
      const flood = Array.from({ length: 4 * GOSSIP_PEER_BURST }, () => message())
      for (const data of flood) await settle(a.gossip.publish(TOPIC, data))
      await until(() => b.heard.length >= GOSSIP_PEER_BURST)
      await pass(1_000)
      await flows(TOPIC, a, b)
      // 50 for each second that it took come on top of the first 200.
      const taken = flood.filter((data) => b.has(data))
      expect(taken.length).toBeLessThan(flood.length)
      expect(taken.length).toBeGreaterThanOrEqual(GOSSIP_PEER_BURST)
    })

    test('nothing is exchanged with a peer that is not on the list of a topic', async () => {
      const [a, b] = await pair()
      const stranger = await member()
      stranger.gossip.setPeers(TOPIC, [a.key, b.key])
      stranger.gossip.subscribe(TOPIC)
      await connect(stranger, a)
      await connect(b, stranger)
      const data = message()
      expect(await settle(a.gossip.publish(TOPIC, data))).toBe(1)
      await until(() => b.has(data))
      expect(await settle(stranger.gossip.publish(TOPIC, message()))).toBe(0)
      await pass(SETTLED_MS)
      await arrives(TOPIC, a, b)
      expect(stranger.heard).toEqual([])
      expect(stranger.gossip.peersOf(TOPIC)).toEqual([])
      expect(a.heard).toEqual([])
    })

    test('a member of one group learns and gets nothing of another', async () => {
      const [a, b] = await pair()
      const c = await member()
      join(OTHER, b, c)
      await connect(b, c)
      await linked(OTHER, b, c)
      // c knows the name of the other group's topic, and says so.
      c.gossip.setPeers(TOPIC, [b.key, a.key])
      c.gossip.subscribe(TOPIC)
      await arrives(OTHER, c, b)
      expect(c.gossip.peersOf(TOPIC)).toEqual([])
      expect(knows(b, c, TOPIC)).toBe(false)
      const data = message()
      expect(await settle(b.gossip.publish(TOPIC, data))).toBe(1)
      await until(() => a.has(data))
      const forged = message()
      expect(await settle(c.gossip.publish(TOPIC, forged))).toBe(0)
      await pass(SETTLED_MS)
      await arrives(OTHER, b, c)
      await arrives(TOPIC, b, a)
      expect(c.heard.every(({ topic }) => topic === OTHER)).toBe(true)
      expect(a.has(forged) || b.has(forged)).toBe(false)
    })

    test('the order of connecting, listing and subscribing does not matter', async () => {
      const [a, b] = [await member(), await member()]
      await connect(a, b)
      a.gossip.subscribe(TOPIC)
      a.gossip.setPeers(TOPIC, [b.key])
      await pass(SETTLED_MS)
      expect(a.gossip.peersOf(TOPIC)).toEqual([])
      b.gossip.setPeers(TOPIC, [a.key])
      b.gossip.subscribe(TOPIC)
      await linked(TOPIC, a, b)
      await arrives(TOPIC, a, b)
      // A second topic over streams that are open: subscribed before the other allows it.
      a.gossip.setPeers(OTHER, [b.key])
      a.gossip.subscribe(OTHER)
      await arrives(TOPIC, a, b)
      b.gossip.subscribe(OTHER)
      b.gossip.setPeers(OTHER, [a.key])
      await linked(OTHER, a, b)
      await arrives(OTHER, b, a)
    })

    test('who leaves the list, or unsubscribes, gets nothing more; who comes back does', async () => {
      const [a, b] = await pair()
      join(OTHER, a, b)
      await linked(OTHER, a, b)
      a.gossip.setPeers(OTHER, [])
      await until(() => !knows(b, a, OTHER))
      expect(await settle(a.gossip.publish(OTHER, message()))).toBe(0)
      await arrives(TOPIC, a, b)
      expect(b.heard).toHaveLength(1)
      a.gossip.setPeers(OTHER, [b.key])
      await linked(OTHER, a, b)
      b.gossip.unsubscribe(OTHER)
      await until(() => !knows(a, b, OTHER))
      expect(await settle(a.gossip.publish(OTHER, message()))).toBe(0)
      // The last list of a peer: its streams end, and open again.
      a.gossip.setPeers(OTHER, [])
      a.gossip.setPeers(TOPIC, [])
      await until(() => !knows(b, a, TOPIC))
      a.gossip.setPeers(TOPIC, [b.key])
      await linked(TOPIC, a, b)
      await flows(TOPIC, b, a)
    })

    test('bounds: 32 topics, 24 peers of each, names of 1 to 64 characters', async () => {
      const a = await member()
      for (let i = 0; i < 32; i++) a.gossip.subscribe(`${TOPIC}${i}`)
      expect(() => a.gossip.subscribe(TOPIC)).toThrow(expect.objectContaining({ code: 'INVALID' }))
      a.gossip.subscribe(`${TOPIC}0`)
      a.gossip.unsubscribe(`${TOPIC}0`)
      a.gossip.subscribe(TOPIC)
      const keys = Array.from({ length: 25 }, (_, i) => new Uint8Array(32).fill(i))
      a.gossip.setPeers(TOPIC, keys.slice(0, 24))
      const invalid = expect.objectContaining({ code: 'INVALID' })
      expect(() => a.gossip.setPeers(TOPIC, keys)).toThrow(invalid)
      expect(() => a.gossip.setPeers('', [])).toThrow(invalid)
      expect(() => a.gossip.subscribe('x'.repeat(65))).toThrow(invalid)
      for (let i = 0; i < 63; i++) a.gossip.setPeers(`${OTHER}${i}`, keys.slice(0, 1))
      expect(() => a.gossip.setPeers(OTHER, keys.slice(0, 1))).toThrow(invalid)
    })

    test('a list that is refused changes nothing', async () => {
      const [a, b] = await pair()
      const keys = Array.from({ length: 25 }, (_, i) => new Uint8Array(32).fill(i))
      expect(() => a.gossip.setPeers(TOPIC, keys)).toThrow()
      await arrives(TOPIC, b, a)
    })

    test('the bytes of a message are the receiver’s own', async () => {
      const [a, r, b] = await chain()
      r.judge = (each) => {
        each.data.fill(0)
        return 'accept'
      }
      const data = message()
      const kept = data.slice()
      const publishing = a.gossip.publish(TOPIC, data)
      data.fill(1)
      await settle(publishing)
      await until(() => b.has(kept))
    })

    test('a lost connection ends it, a new one brings it back', async () => {
      const [a, b] = await pair()
      await settle(a.host.disconnect(b.key))
      await until(() => !knows(a, b, TOPIC) && !knows(b, a, TOPIC))
      expect(await settle(a.gossip.publish(TOPIC, message()))).toBe(0)
      await connect(b, a)
      await linked(TOPIC, a, b)
      await arrives(TOPIC, a, b)
    })

    test('runs once, on a home host only; once stopped it is silent', async () => {
      const [a, b] = await pair()
      const options = { clock, validate: () => 'accept' as const }
      expect(await settle(a.host.startGossip(options).catch(codeOf))).toBe('INVALID')
      for (const role of ['relay', 'courier'] as const) {
        const seed = new Uint8Array(randomBytes(32))
        const host = await settle(network.createHost({ seed, listen: [], role }))
        expect(await settle(host.startGossip(options).catch(codeOf))).toBe('INVALID')
        await settle(host.stop())
      }
      await settle(b.gossip.stop())
      await until(() => !knows(a, b, TOPIC))
      expect(await settle(b.gossip.publish(TOPIC, message()))).toBe(0)
      expect(await settle(a.gossip.publish(TOPIC, message()))).toBe(0)
    })
  })
}
