import { describe, expect, it } from 'vitest'
import { noble, openCard, openItem, openPrekey, prekeySlot } from '../../../crypto/index.ts'
import {
  buildCard,
  buildDirectBundle,
  cardIsDue,
  directPlace,
  issuePrekeys,
  offeredPrekeys,
} from '../../../protocol/index.ts'
import { counting, refusal } from '../../crypto/decoder-checks.ts'
import { account, device, deviceList } from '../../crypto/identity-fixture.ts'
import { DAY, offer, relay, started } from './prekeys-fixture.ts'

const place = { account, ...relay }

describe('the published card', () => {
  const mailbox = { ...relay, addresses: ['/ip4/203.0.113.7/tcp/4001'] }
  const endpoints = [{ device: device(0).cert.device, counter: 4, mailboxes: [mailbox] }]

  it('offers the current keys for 14 days, sealed for its place', () => {
    const memory = started()
    const { item, issuedAtS } = memory.run((turn) =>
      buildCard(turn, relay, { ...offer, endpoints }, 0),
    )
    expect(item.length % 512).toBe(0)
    const content = openItem(noble, place, 0, item)
    const card = openCard(noble, content, { account, nowS: issuedAtS })
    expect(card.expiresAtS).toBe(issuedAtS + 14 * 86_400)
    expect(card).toMatchObject(memory.run((turn) => offeredPrekeys(turn)))
    expect(card.endpoints).toEqual(endpoints)
    expect(cardIsDue(issuedAtS, memory.nowMs + 7 * DAY - 1000)).toBe(false)
    expect(cardIsDue(issuedAtS, memory.nowMs + 7 * DAY)).toBe(true)
  })

  it('leaves capabilities out, whatever it is given', () => {
    const memory = started()
    const withCap = [{ ...endpoints[0]!, mailboxes: [{ ...mailbox, capability: counting(45) }] }]
    const { item } = memory.run((turn) =>
      buildCard(turn, relay, { ...offer, endpoints: withCap }, 0),
    )
    const card = openCard(noble, openItem(noble, place, 0, item), { account, nowS: 0 })
    expect(card.endpoints).toEqual(endpoints)
  })

  it('drops further addresses where it would be too large', () => {
    const memory = started()
    const addresses = Array.from({ length: 4 }, (_, n) => `/dns/${'a'.repeat(110)}/tcp/${n + 1}`)
    const rows = Array.from({ length: 10 }, (_, n) => ({
      device: device(n).cert.device,
      counter: 1,
      mailboxes: [1, 2, 3].map((m) => ({
        serviceKey: counting(32, m),
        mailboxId: counting(16, m),
        addresses,
      })),
    }))
    const large = { ...offer, list: deviceList(10), endpoints: rows }
    const { item } = memory.run((turn) => buildCard(turn, relay, large, 0))
    expect(item.length).toBeLessThanOrEqual(16_384)
    const card = openCard(noble, openItem(noble, place, 0, item), { account, nowS: 0 })
    const kept = card.endpoints[0]?.mailboxes[0]?.addresses.length ?? 0
    expect(kept).toBeGreaterThanOrEqual(1)
    expect(kept).toBeLessThan(4)
    expect(card.endpoints.length).toBe(10)
  })

  it('is refused for a list that this device is not in', () => {
    const memory = started()
    const strange = { ...offer, list: new Uint8Array(249) }
    expect(refusal(() => memory.run((turn) => buildCard(turn, relay, strange, 0)))).toBeDefined()
  })
})

describe('a direct bundle', () => {
  const transportKey = counting(32, 9)

  it('is sealed for the transport key and 16 zeros, with fresh one-time prekeys', () => {
    const memory = started()
    const at = { account, ...directPlace(transportKey) }
    const [first, second] = [1, 2].map(() => {
      const bundle = memory.run((turn) => buildDirectBundle(turn, transportKey, offer))
      const nowS = memory.nowMs / 1000
      openCard(noble, openItem(noble, at, 0, bundle.card), { account, nowS })
      const expected = { device: device(0).cert.device, serviceKey: transportKey, nowS }
      const okem = openPrekey(noble, openItem(noble, at, 2, bundle.okem), { ...expected, kind: 2 })
      const opk = openPrekey(noble, openItem(noble, at, 1, bundle.opk), { ...expected, kind: 1 })
      expect(prekeySlot(okem.id)).toBe(prekeySlot(opk.id))
      return opk.id
    })
    expect(second).toBe((first ?? 0) + 1)
  })

  it('comes without a one-time prekey of which too many wait for their use', () => {
    const memory = started()
    const at = directPlace(transportKey)
    memory.run((turn) => issuePrekeys(turn, at, { opk: 2_000, okem: 0 }))
    const { card, opk, okem } = memory.run((turn) => buildDirectBundle(turn, transportKey, offer))
    expect([card.length % 512, opk.length, okem.length]).toEqual([0, 0, 1332])
  })
})
