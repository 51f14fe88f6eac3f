// Tickets over the real relay: who pays for a group's mailbox, and how often (SPEC.md §14.9).
import { describe, expect, it } from 'vitest'
import { noble, toHex } from '../../../crypto/index.ts'
import type { RelayConnection } from '../../../node/relay-client/relay-connection.ts'
import { deviceOwnerSeed, groupMailboxKeys } from '../../../protocol/index.ts'
import { RelayWorld, bytesOf } from '../../support/relay-world.ts'

const DAY_MS = 86_400_000
/** Nobody does so much work by accident: a grant that does not hold is answered `pow`. */
const OPEN_BITS = 41

interface Prepared {
  readonly world: RelayWorld
  readonly home: RelayConnection
  readonly courier: RelayConnection
  /** The device mailbox that pays. */
  readonly paid: Uint8Array
}

async function prepared(): Promise<Prepared> {
  const world = new RelayWorld()
  await world.start({ openBits: 0, lagProbeMs: 0 })
  const { connection: home, mailboxId: paid } = await world.owner('bob')
  const { serviceKey } = home
  await world.kill()
  await world.start({ openBits: OPEN_BITS, lagProbeMs: 0 })
  return { world, paid, ...(await connections(world, serviceKey)) }
}

/** A client ends a stream after a week, and opens another. */
async function connections(
  world: RelayWorld,
  serviceKey: Uint8Array,
): Promise<Pick<Prepared, 'home' | 'courier'>> {
  const home = await world.connect({ serviceKey })
  const seed = deviceOwnerSeed(noble, serviceKey, bytesOf('bob mailbox root'))
  const proven = await world.settle(home.proveMailbox(seed, { type: 1, bind: undefined }))
  expect(proven).not.toHaveProperty('status')
  return { home, courier: await world.connect() }
}

/** OPEN with a grant: the mailbox, or why not. */
async function open(
  { world, courier }: Prepared,
  lineage: string,
  ticket: Uint8Array | undefined,
): Promise<string> {
  const { ownerSeed, secret } = groupMailboxKeys(noble, courier.serviceKey, bytesOf(lineage))
  const mailbox = { type: 2, secret, gen: 0, awayDays: 0 } as const
  try {
    const reply = await world.settle(
      courier.openMailbox(ownerSeed, ticket === undefined ? mailbox : { ...mailbox, ticket }),
    )
    return 'kind' in reply ? reply.status : 'opened'
  } catch (error) {
    // The client refuses so much work.
    return error instanceof Error ? error.message : String(error)
  }
}

const REFUSED = `proof of work of ${OPEN_BITS} bits is refused`

describe('a ticket', () => {
  it('opens one mailbox of a group, once, and renewing it needs none', async () => {
    const all = await prepared()
    const { world, home, paid } = all
    const [ticket, second] = await world.settle(home.tickets(paid, 2))
    expect(ticket).toHaveLength(32)
    expect(await open(all, 'a', undefined)).toBe(REFUSED)
    expect(await open(all, 'a', bytesOf('made up'))).toBe(REFUSED)
    expect(await open(all, 'a', ticket)).toBe('opened')
    expect(await open(all, 'a', undefined)).toBe('opened')
    expect(await open(all, 'b', ticket)).toBe(REFUSED)
    expect(await open(all, 'b', second)).toBe('opened')
  })

  it('ends after seven days, and is then not counted any more', async () => {
    const all = await prepared()
    const { world, home, paid } = all
    const [ticket] = await world.settle(home.tickets(paid, 8))
    for (let i = 0; i < 3; i++) await world.settle(home.tickets(paid, 8))
    await expect(world.settle(home.tickets(paid, 1))).rejects.toMatchObject({ code: 'RELAY_QUOTA' })
    await world.advance(7 * DAY_MS + 2 * 3_600_000)
    const later = { ...all, ...(await connections(world, home.serviceKey)) }
    expect(await open(later, 'a', ticket)).toBe(REFUSED)
    expect(await world.settle(later.home.tickets(paid, 1))).toHaveLength(1)
  }, 30_000)

  it('is charged to who took it, up to so many mailboxes', async () => {
    const all = await prepared()
    const { world, home, paid } = all
    for (let i = 0; i < 4; i++) {
      for (const ticket of await world.settle(home.tickets(paid, 8))) {
        expect(await open(all, lineageOf(ticket), ticket)).toBe('opened')
      }
    }
    await expect(world.settle(home.tickets(paid, 1))).rejects.toMatchObject({ code: 'RELAY_QUOTA' })
    expect(world.service?.figures.tickets).toBe(32)
  })

  it('ends with the mailbox that pays; what it opened stays', async () => {
    const all = await prepared()
    const { world, home, paid } = all
    const [first, second] = await world.settle(home.tickets(paid, 2))
    expect(await open(all, 'a', first)).toBe('opened')
    await world.settle(home.closeMailbox(paid))
    await world.settle(world.service!.sweep())
    expect(await open(all, 'b', second)).toBe(REFUSED)
    expect(await open(all, 'a', undefined)).toBe('opened')
  })

  it('opens no mailbox of a device, and is for devices to take', async () => {
    const all = await prepared()
    const { world, home, paid } = all
    const [ticket] = await world.settle(home.tickets(paid, 1))
    const other = await world.connect()
    const opening = other.openMailbox(bytesOf('mallory'), {
      type: 1,
      secret: bytesOf('secret'),
      gen: 0,
      awayDays: 0,
      ticket: ticket!,
    })
    await expect(world.settle(opening)).rejects.toThrow(REFUSED)
    await expect(world.settle(other.tickets(paid, 1))).rejects.toMatchObject({
      cause: { status: 'unauthenticated' },
    })
  })
})

function lineageOf(ticket: Uint8Array): string {
  return toHex(ticket)
}
