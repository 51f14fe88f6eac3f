// The relay on the network: what frames of many operations spare, and how long a deposit takes to
// reach its owner.
import { join } from 'node:path'
import { envelopeId } from '../../crypto/index.ts'
import { systemClock as clock } from '../../node/clock.ts'
import { nativeCrypto as provider } from '../../node/native-crypto.ts'
import { libp2pNetwork } from '../../node/net/libp2p-host.ts'
import { pooledRandom as random } from '../../node/random.ts'
import { connectRelay } from '../../node/relay-client/connect-relay.ts'
import type { RelayConnection } from '../../node/relay-client/relay-connection.ts'
import type { Deposit } from '../../node/relay-client/relay-types.ts'
import { createRelay } from '../../node/relay/create-relay.ts'
import type { FrameStream, Host } from '../../node/transport.ts'
import {
  decodeRelayFrame,
  decodeReply,
  depositMac,
  deriveCapKey,
  encodeRequest,
  isFailure,
} from '../../protocol/index.ts'
import { libp2pLine } from './echo.ts'
import { type Contender, interleave } from './measure.ts'
import { SyncedFile, latencies, percentiles } from './paths.ts'
import { type Plan, countOf } from './plan.ts'
import type { Figure } from './table.ts'

const EXPIRES_S = 4_000_000_000
/** Operations unanswered at once: what a relay allows. */
const OPS_IN_FLIGHT = 128
/** Above every id that the client of the same stream uses. */
const FIRST_REQUEST_ID = 1_000_000

interface Client {
  readonly connection: RelayConnection
  readonly stream: FrameStream
  /** Called with each frame, after the client itself. */
  listen: (frame: Uint8Array) => void
  readonly close: () => Promise<void>
}

/** A client, and the stream under it: for frames that hold exactly so many operations. */
async function connect(address: string): Promise<Client> {
  const host = await libp2pNetwork.createHost({ seed: random(32), listen: [], role: 'courier' })
  let listen = (_frame: Uint8Array): void => undefined
  let raw: FrameStream | undefined
  const tapped: Host = Object.create(host, {
    transportKey: { value: host.transportKey },
    dial: {
      value: async (...args: Parameters<Host['dial']>): Promise<FrameStream> => {
        const stream = await host.dial(...args)
        raw = stream
        const set = stream.onFrame.bind(stream)
        return Object.assign(stream, {
          onFrame: (handler: (frame: Uint8Array) => void) =>
            set((frame) => {
              handler(frame)
              listen(frame)
            }),
        })
      },
    },
  })
  const expected = { pinned: true } as const
  const connection = await connectRelay({
    host: tapped,
    address,
    expected,
    clock,
    provider,
    random,
  })
  if (raw === undefined) throw new Error('no stream')
  return {
    connection,
    stream: raw,
    get listen() {
      return listen
    },
    set listen(next) {
      listen = next
    },
    close: async () => {
      await connection.close()
      await host.stop()
    },
  }
}

/** A mailbox of the relay, and deposits that it takes. */
class Mailbox {
  readonly #serviceKey: Uint8Array
  readonly #secret: Uint8Array
  readonly id: Uint8Array
  /** Another one for each part of the run: none comes near its rate. */
  capId = random(8)

  private constructor(serviceKey: Uint8Array, secret: Uint8Array, id: Uint8Array) {
    this.#serviceKey = serviceKey
    this.#secret = secret
    this.id = id
  }

  static async open(connection: RelayConnection): Promise<Mailbox> {
    const secret = random(32)
    const asked = { type: 1, secret, gen: 0, awayDays: 0 } as const
    const opened = await connection.openMailbox(random(32), asked)
    if (isFailure(opened)) throw new Error(`OPEN: ${opened.status}`)
    return new Mailbox(connection.serviceKey, secret, opened.mailboxId)
  }

  deposit(): Deposit {
    const right = { lane: 0, expiresS: EXPIRES_S, capId: this.capId }
    const capKey = deriveCapKey(provider, this.#serviceKey, this.#secret, right)
    return {
      mailboxId: this.id,
      envId: envelopeId(provider, random(32), this.id),
      lane: 0,
      ttlS: 86_400,
      auth: { kind: 'capability', capKey, capId: right.capId, expiresS: EXPIRES_S },
      env: random(512),
    }
  }

  /** A frame of so many deposits. */
  frame(requestId: number, count: number): Uint8Array {
    const ops = Array.from({ length: count }, () => {
      const { auth, mailboxId, envId, lane, ttlS, env } = this.deposit()
      if (auth.kind !== 'capability') throw new Error('not by capability')
      const { capKey, capId, expiresS } = auth
      const request = { mailboxId, envId, lane, flags: 0, ttlS, coalesce: undefined, env }
      const mac = depositMac(provider, { capKey, serviceKey: this.#serviceKey }, request)
      return {
        kind: 'deposit',
        request: { ...request, auth: { kind: 'capability', capId, expiresS, mac } },
      } as const
    })
    return encodeRequest(requestId, ops)
  }
}

/** Sends deposits in frames of `width`, as many in flight as the relay allows. */
function framed(address: string, mailbox: Mailbox, width: number, count: number): Contender {
  let client: Client | undefined
  let frames: Uint8Array[] = []
  let nextId = FIRST_REQUEST_ID
  return {
    prepare: async () => {
      await client?.close()
      client = await connect(address)
      mailbox.capId = random(8)
      frames = Array.from({ length: count / width }, () => mailbox.frame(nextId++, width))
    },
    run: () =>
      new Promise((resolve, reject) => {
        if (client === undefined) return reject(new Error('not connected'))
        const { stream } = client
        let [sent, answered] = [0, 0]
        const send = (): void => {
          while (sent < frames.length && (sent - answered) * width < OPS_IN_FLIGHT) {
            const frame = frames[sent++]
            if (frame !== undefined) stream.send(frame)
          }
        }
        client.listen = (bytes) => {
          const reply = decodeRelayFrame(bytes)
          if (reply.kind !== 'reply' || reply.requestId < FIRST_REQUEST_ID) return
          const refused = reply.replies.map((one) => decodeReply('deposit', one)).find(isFailure)
          if (refused !== undefined) return reject(new Error(`DEPOSIT: ${refused.status}`))
          answered += 1
          if (answered === frames.length) resolve()
          else send()
        }
        send()
      }),
  }
}

async function frames(plan: Plan, address: string, mailbox: Mailbox): Promise<Figure> {
  const count = 16 * countOf(plan, 48)
  const contenders = {
    many: framed(address, mailbox, 16, count),
    one: framed(address, mailbox, 1, count),
  }
  const { many, one } = await interleave(contenders, plan.rounds, count)
  return {
    what: 'relay, operations/s of CPU, 16 a frame beside 1',
    ours: `${(1e6 / many.cpuUs).toFixed(0)}/s`,
    peer: `${(1e6 / one.cpuUs).toFixed(0)}/s`,
    ratio: one.cpuUs / many.cpuUs,
    goal: { at: 'least', ratio: 2.5 },
  }
}

async function push(
  plan: Plan,
  dir: string,
  owner: RelayConnection,
  mailbox: Mailbox,
  sender: RelayConnection,
): Promise<readonly Figure[]> {
  let arrived = (): void => undefined
  let acknowledged = Promise.resolve()
  const subscription = await owner.subscribe(
    mailbox.id,
    {
      onItems: (items) => {
        const envIds = items.map(({ envId }) => envId)
        acknowledged = owner.ack(mailbox.id, envIds).then(() => undefined)
        subscription.credit(items.length, items.length * 1_024)
        arrived()
      },
      onDrained: () => undefined,
      onEnd: (reason) => {
        throw new Error(`the subscription ended: ${reason}`)
      },
    },
    { messages: 64, bytes: 1 << 20 },
  )
  const line = await libp2pLine()
  const file = new SyncedFile(join(dir, 'push'))
  const frame = random(512)
  const times = await latencies(
    countOf(plan, 300),
    async () => {
      const pushed = new Promise<void>((resolve) => (arrived = resolve))
      const deposited = await sender.deposit(mailbox.deposit())
      if (deposited.kind !== 'stored') throw new Error(`DEPOSIT: ${deposited.kind}`)
      await pushed
      await acknowledged
    },
    async () => {
      await line.ask(frame)
      file.append()
    },
  )
  file.close()
  await line.close()
  return percentiles('relay, deposit to push, beside round trip and 1 fdatasync', times)
}

export async function relay(plan: Plan, dir: string): Promise<readonly Figure[]> {
  const running = await createRelay({
    dir: join(dir, 'relay'),
    network: libp2pNetwork,
    listen: ['/ip4/127.0.0.1/tcp/0'],
    clock,
    random,
    provider,
  })
  const [address = ''] = running.addresses
  const owner = await connect(address)
  const sender = await connect(address)
  try {
    const first = await Mailbox.open(owner.connection)
    const second = await Mailbox.open(owner.connection)
    return [
      await frames(plan, address, first),
      ...(await push(plan, dir, owner.connection, second, sender.connection)),
    ]
  } finally {
    await owner.close()
    await sender.close()
    await running.close()
  }
}
