import { describe, expect, it } from 'vitest'
import { openItem, openPrekey } from '../../../crypto/index.ts'
import {
  type PeerBundle,
  issuePrekeys,
  offeredPrekeys,
  openInner,
  ownPrekeys,
  renewPrekeys,
} from '../../../protocol/index.ts'
import { SessionPeer, textOf } from '../../support/session-peers.ts'

const place = { serviceKey: new Uint8Array(32).fill(1), mailboxId: new Uint8Array(16).fill(2) }

/** A bundle as the relay serves it: the card's keys, and one-time keys from their sealed items. */
function realBundle(peer: SessionPeer, withOneTime: boolean): PeerBundle {
  const { driver, self } = peer
  driver.run((turn) => renewPrekeys(turn))
  const items = driver.run((turn) => issuePrekeys(turn, place, { opk: 1, okem: 1 }))
  const offered = driver.run((turn) => offeredPrekeys(turn))
  const open = (kind: 1 | 2, item: Uint8Array) =>
    openPrekey(driver.crypto, openItem(driver.crypto, { ...self, ...place }, kind, item), {
      kind,
      device: self.device,
      serviceKey: place.serviceKey,
      nowS: driver.nowMs / 1_000,
    })
  const [opk, okem] = [open(1, items.opk[0]!), open(2, items.okem[0]!)]
  const { signedPrekey, lastResortKem } = offered
  const bundle = {
    account: self.account,
    device: self.device,
    dh: self.dh,
    list: peer.account.list(),
    spk: { id: signedPrekey.id, key: signedPrekey.publicKey },
  }
  return withOneTime
    ? {
        ...bundle,
        kem: { id: okem.id, key: okem.publicKey },
        opk: { id: opk.id, key: opk.publicKey },
      }
    : { ...bundle, kem: { id: lastResortKem.id, key: lastResortKem.publicKey } }
}

function openWithOwn(peer: SessionPeer, message: { sid: Uint8Array; inner: Uint8Array }) {
  return peer.driver.run((turn) =>
    openInner(turn, {
      sidHint: message.sid,
      inner: message.inner,
      judge: (candidate) => peer.accepts(candidate),
      prekeys: ownPrekeys(turn),
    }),
  )
}

describe('a handshake on prekeys as they are published', () => {
  it('opens, uses up the one-time keys, and tells a second use from a key never issued', () => {
    const bob = new SessionPeer('bob own')
    const bundle = realBundle(bob, true)
    const alice = new SessionPeer('alice own')
    const carol = new SessionPeer('carol own')
    const dave = new SessionPeer('dave own')
    alice.start(bundle)
    expect(textOf(openWithOwn(bob, alice.send(bob, 'hello')))).toBe('hello')
    carol.start(bundle)
    expect(openWithOwn(bob, carol.send(bob, 'x'))).toMatchObject({ reason: 'prekey-consumed' })
    const { kem } = realBundle(bob, false)
    dave.start({ ...bundle, kem })
    expect(openWithOwn(bob, dave.send(bob, 'x'))).toMatchObject({ reason: 'opk-consumed' })
    dave.start({ ...bundle, spk: { ...bundle.spk, id: 4_242 } })
    expect(openWithOwn(bob, dave.send(bob, 'x'))).toMatchObject({ reason: 'prekey-unknown' })
  })

  it('keeps the keys that many use', () => {
    const bob = new SessionPeer('bob last resort')
    const bundle = realBundle(bob, false)
    for (const name of ['alice', 'carol']) {
      const peer = new SessionPeer(`${name} last resort`)
      peer.start(bundle)
      expect(textOf(openWithOwn(bob, peer.send(bob, name)))).toBe(name)
    }
  })
})
