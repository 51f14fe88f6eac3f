// What a deposit costs a relay beside what the store alone costs: the rules, the MAC, three rows and
// the signed flush, against bare puts of the same envelopes. No network.
import { join } from 'node:path'
import { Level } from 'level'
import { EMPTY, envelopeId } from '../../crypto/index.ts'
import { systemClock } from '../../node/clock.ts'
import { nativeCrypto as provider } from '../../node/native-crypto.ts'
import { pooledRandom as random } from '../../node/random.ts'
import { Committer, type FlushSlot, type Job } from '../../node/relay/committer.ts'
import { zeroFigures } from '../../node/relay/figures.ts'
import { rowKey } from '../../node/relay/row-keys.ts'
import { openLevelStore } from '../../node/store/level-store.ts'
import {
  MAILBOX_LIMITS,
  type MailboxCounters,
  type MailboxTurn,
  type OpRequest,
  depositMac,
  deriveCapKey,
  mailboxes,
  marks,
  takeDeposit,
} from '../../protocol/index.ts'
import { interleave } from './measure.ts'
import { type Plan, countOf } from './plan.ts'
import { type Figure, dearer } from './table.ts'

const BATCH = 250
const ENVELOPE_BYTES = 512
const HUGE = { rows: 1e9, bytes: 1e12 }
const EXPIRES_S = 4_000_000_000

/** A mailbox and a right to write to it. */
class Target {
  readonly serviceKey = random(32)
  readonly mailboxId = random(16)
  readonly secret = random(32)
  readonly #capId = random(8)

  deposit(): OpRequest<'deposit'> {
    const { serviceKey, mailboxId, secret } = this
    const right = { lane: 0, expiresS: EXPIRES_S, capId: this.#capId }
    const capKey = deriveCapKey(provider, serviceKey, secret, right)
    const request = {
      mailboxId,
      envId: envelopeId(provider, random(32), mailboxId),
      lane: 0,
      flags: 0,
      ttlS: 86_400,
      coalesce: undefined,
      env: random(ENVELOPE_BYTES),
    }
    const mac = depositMac(provider, { capKey, serviceKey }, request)
    const { capId, expiresS } = right
    return { ...request, auth: { kind: 'capability', capId, expiresS, mac } }
  }
}

type Reads = Job['reads']

class DepositStore {
  readonly #target: Target
  readonly #committer: Committer
  readonly #storeEpoch = random(8)
  readonly #dummySecret = random(32)
  readonly #counters = new Map<string, MailboxCounters>()

  constructor(target: Target, committer: Committer) {
    this.#target = target
    this.#committer = committer
  }

  #turn({ view }: FlushSlot): MailboxTurn {
    return {
      nowS: Math.floor(Date.now() / 1000),
      crypto: provider,
      random,
      serviceKey: this.#target.serviceKey,
      storeEpoch: this.#storeEpoch,
      limits: { ...MAILBOX_LIMITS, lanes: [HUGE, HUGE, HUGE] },
      diskUsed: 0,
      mayDelete: true,
      shedding: false,
      depositBits: 0,
      openBits: 0,
      dummySecret: this.#dummySecret,
      gate: { take: () => 0 },
      counters: this.#counters,
      put: view.put,
      remove: view.remove,
    }
  }

  #submit(reads: Reads, steps: Job['steps']): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (): void => resolve()
      const bytes = ENVELOPE_BYTES
      if (!this.#committer.submit({ ops: 1, bytes, reads, steps, done, failed: reject })) {
        reject(new Error('the committer is full'))
      }
    })
  }

  open(): Promise<void> {
    const { mailboxId, secret } = this.#target
    return this.#submit([], function* ({ view }) {
      view.put(mailboxes, mailboxId, {
        type: 1,
        ownerKey: random(32),
        secret,
        gen: 0,
        ttlS: 30 * 86_400,
        leaseUntilS: EXPIRES_S,
        awayDays: 0,
        incarnation: random(8),
        seqHigh: 0,
        revoked: EMPTY,
        closing: false,
      })
    })
  }

  deposit(request: OpRequest<'deposit'>): Promise<void> {
    const { mailboxId, envId } = request
    const reads = [
      [mailboxes, rowKey('mailbox', mailboxId, EMPTY)],
      [marks, rowKey('mark', mailboxId, envId)],
    ] as unknown as Reads
    const turnOf = (slot: FlushSlot): MailboxTurn => this.#turn(slot)
    return this.#submit(reads, function* (slot) {
      const outcome = yield* takeDeposit(turnOf(slot), request)
      if (outcome.kind !== 'stored') throw new Error(`not stored: ${outcome.kind}`)
      slot.addLeaf(outcome.envHash)
    })
  }
}

export async function relayStore(plan: Plan, dir: string): Promise<readonly Figure[]> {
  const store = await openLevelStore(join(dir, 'deposits'), { createIfMissing: true })
  const target = new Target()
  const seed = random(32)
  const committer = new Committer({
    store,
    reopen: undefined,
    clock: systemClock,
    provider,
    figures: zeroFigures(),
    nowMs: Date.now,
    signRoot: (_atMs, _count, root) => provider.ed25519Sign(seed, root),
    blindWrite: () => ({ key: Uint8Array.of(0), value: EMPTY }),
    onFailure: (error) => {
      throw error
    },
    onDefect: (error) => {
      throw error
    },
  })
  const deposits = new DepositStore(target, committer)
  await deposits.open()
  const raw = new Level<Uint8Array, Uint8Array>(join(dir, 'raw'), {
    keyEncoding: 'view',
    valueEncoding: 'view',
  })
  await raw.open()
  const batches = countOf(plan, 16)
  let requests: OpRequest<'deposit'>[] = []
  const prepare = async (): Promise<void> => {
    requests = Array.from({ length: batches * BATCH }, () => target.deposit())
  }
  const pages = (): (readonly OpRequest<'deposit'>[])[] =>
    Array.from({ length: batches }, (_, i) => requests.slice(i * BATCH, (i + 1) * BATCH))
  const cost = await interleave(
    {
      deposits: {
        prepare,
        run: async () => {
          for (const page of pages()) await Promise.all(page.map((one) => deposits.deposit(one)))
        },
      },
      raw: {
        prepare,
        run: async () => {
          for (const page of pages()) {
            const puts = page.map(
              ({ envId, env }) => ({ type: 'put', key: envId, value: env }) as const,
            )
            await raw.batch(puts, { sync: true })
          }
        },
      },
    },
    plan.rounds,
    batches * BATCH,
  )
  await committer.stop()
  await store.close()
  await raw.close()
  const what = 'relay deposit, 250 a flush, beside raw classic-level puts'
  return [dearer(what, cost.deposits.cpuUs, cost.raw.cpuUs, 1.6)]
}
