// @matrix-org/olm as the benchmark drives it: no post-quantum part, and its state is not encoded.
import Olm from '@matrix-org/olm'

await Olm.init()

function side(session) {
  return {
    encrypt: (text) => session.encrypt(text),
    decrypt: ({ type, body }) => session.decrypt(type, body),
    sizeOf: ({ body }) => Math.floor((body.length * 3) / 4),
  }
}

function begin(alice, bob, text) {
  bob.generate_one_time_keys(1)
  const [key] = Object.values(JSON.parse(bob.one_time_keys()).curve25519)
  bob.mark_keys_as_published()
  const outbound = new Olm.Session()
  outbound.create_outbound(alice, JSON.parse(bob.identity_keys()).curve25519, key)
  const first = outbound.encrypt(text)
  const inbound = new Olm.Session()
  inbound.create_inbound(bob, first.body)
  bob.remove_one_time_keys(inbound)
  inbound.decrypt(first.type, first.body)
  return { outbound, inbound }
}

function account() {
  const made = new Olm.Account()
  made.create()
  return made
}

const decoder = new TextDecoder()

export async function pair(bytes) {
  const text = decoder.decode(bytes)
  const { outbound, inbound } = begin(account(), account(), text)
  const alice = side(outbound)
  const bob = side(inbound)
  alice.decrypt(bob.encrypt(text))
  const asText = ({ encrypt, ...rest }) => ({ ...rest, encrypt: () => encrypt(text) })
  return { alice: asText(alice), bob: asText(bob) }
}

export function setUps() {
  const alice = account()
  const bob = account()
  return async (bytes) => {
    const { outbound, inbound } = begin(alice, bob, decoder.decode(bytes))
    outbound.free()
    inbound.free()
  }
}
