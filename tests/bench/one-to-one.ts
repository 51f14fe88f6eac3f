// One-to-one encryption beside its peers: one way, ping-pong, session set-up; and bytes on the wire.
import { LADDER, SEAL_OVERHEAD_BYTES, sealEnvelope } from '../../crypto/index.ts'
import { nativeCrypto } from '../../node/native-crypto.ts'
import { pooledRandom } from '../../node/random.ts'
import { type Contender, type Cost, cpuUs, interleave } from './measure.ts'
import type { Messaging } from './peers.ts'
import { type Plan, countOf } from './plan.ts'
import { sotto } from './sotto-messaging.ts'
import { type Figure, faster } from './table.ts'

const TEXT: Uint8Array = new Uint8Array(256).fill(0x61)
/** Messages between two DH steps: below what a session takes without one. */
const BURST = 100

type Costs = ReadonlyMap<string, Cost>

async function measure(
  plan: Plan,
  all: readonly Messaging[],
  count: number,
  make: (library: Messaging) => Promise<Contender>,
): Promise<Costs> {
  const contenders: Record<string, Contender> = {}
  for (const library of all) contenders[library.name] = await make(library)
  return new Map(
    Object.entries(await interleave(contenders, plan.rounds, count, { warmUps: plan.warmUps })),
  )
}

/** Bursts of messages in one direction, with a DH step between them that is not measured. */
async function bursts(library: Messaging, timed: 'encrypt' | 'decrypt'): Promise<Contender> {
  const { alice, bob } = await library.pair(TEXT)
  const burst = async (): Promise<number> => {
    const messages: unknown[] = []
    const before = cpuUs()
    for (let i = 0; i < BURST; i++) messages.push(await alice.encrypt(TEXT))
    const between = cpuUs()
    for (const message of messages) await bob.decrypt(message)
    const after = cpuUs()
    await alice.decrypt(await bob.encrypt(TEXT))
    return timed === 'encrypt' ? between - before : after - between
  }
  return {
    run: async (count) => {
      let spentUs = 0
      for (let done = 0; done < count; done += BURST) spentUs += await burst()
      return spentUs
    },
  }
}

async function pingPong(library: Messaging): Promise<Contender> {
  const { alice, bob } = await library.pair(TEXT)
  return {
    run: async (count) => {
      for (let i = 0; i < count; i++) {
        await bob.decrypt(await alice.encrypt(TEXT))
        await alice.decrypt(await bob.encrypt(TEXT))
      }
    },
  }
}

async function setUp(library: Messaging): Promise<Contender> {
  const begin = library.setUps()
  return {
    run: async (count) => {
      for (let i = 0; i < count; i++) await begin(TEXT)
    },
  }
}

function figures(what: string, costs: Costs, peers: readonly Messaging[], goal: number): Figure[] {
  const ours = costs.get(sotto.name)?.cpuUs
  if (ours === undefined) throw new Error(`${what}: not measured`)
  if (peers.length === 0) return [faster(what, ours, undefined)]
  return peers.map(({ name }, i) =>
    faster(`${what}, beside ${name}`, ours, costs.get(name)?.cpuUs, i === 0 ? goal : undefined),
  )
}

/**
 * What a message takes beyond its padding: the size at which one more byte needs the next step. Few
 * messages tell it, so that none of them carries an offer of the re-key, which comes after fifty.
 */
async function overheadBytes(): Promise<{ readonly inner: number; readonly sealed: number }> {
  const { alice } = await sotto.pair(TEXT)
  const step = LADDER[0] ?? 0
  let [longest, tooLong] = [0, step]
  while (tooLong - longest > 1) {
    const length = (longest + tooLong) >> 1
    const size = alice.sizeOf(await alice.encrypt(new Uint8Array(length)))
    if (size + SEAL_OVERHEAD_BYTES > step) tooLong = length
    else longest = length
  }
  const inner = (await alice.encrypt(new Uint8Array(longest))) as Uint8Array
  const target = {
    keyId: 1,
    publicKey: nativeCrypto.x25519PublicKey(pooledRandom(32)),
    mailboxId: pooledRandom(16),
  }
  const content = { sid: pooledRandom(16), inner }
  const envelope = sealEnvelope(nativeCrypto, pooledRandom, target, content)
  return { inner: inner.length - longest, sealed: envelope.length - longest }
}

function bytesFigure(what: string, ours: number, peer: string, most: number): Figure {
  return {
    what,
    ours: `${ours} B`,
    peer: `${peer}; goal ${most} B`,
    ratio: ours / most,
    goal: { at: 'most', ratio: 1 },
  }
}

export async function oneToOne(
  plan: Plan,
  peers: readonly Messaging[],
): Promise<readonly Figure[]> {
  const all = [sotto, ...peers]
  const table: Figure[] = []
  for (const timed of ['encrypt', 'decrypt'] as const) {
    const costs = await measure(plan, all, BURST * countOf(plan, 10), (library) =>
      bursts(library, timed),
    )
    table.push(...figures(`1:1 ${timed}, 256 B, state encoded`, costs, peers, 3))
  }
  const talk = await measure(plan, all, countOf(plan, 250), pingPong)
  table.push(...figures('ping-pong, a DH step each turn', talk, peers, 1.3))
  const begun = await measure(plan, all, countOf(plan, 40), setUp)
  table.push(...figures('session set-up, every check', begun, peers, 0.8))
  const { inner, sealed } = await overheadBytes()
  table.push(bytesFigure('bytes beyond padding, 1:1', inner, 'libsignal 96 to 106 B', 140))
  table.push(bytesFigure('bytes beyond padding, sealed', sealed, 'libsignal 468 B', 205))
  return table
}
