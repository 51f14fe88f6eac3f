// @signalapp/libsignal-client as the benchmark drives it: stores that serialise every record, as a
// client with a disk would.
import {
  Direction,
  IdentityChange,
  IdentityKeyPair,
  IdentityKeyStore,
  KEMKeyPair,
  KyberPreKeyRecord,
  KyberPreKeyStore,
  PreKeyBundle,
  PreKeyRecord,
  PreKeySignalMessage,
  PreKeyStore,
  PrivateKey,
  ProtocolAddress,
  SessionRecord,
  SessionStore,
  SignalMessage,
  SignedPreKeyRecord,
  SignedPreKeyStore,
  initLogger,
  processPreKeyBundle,
  signalDecrypt,
  signalDecryptPreKey,
  signalEncrypt,
} from '@signalapp/libsignal-client'

void Direction
void initLogger

class Sessions extends SessionStore {
  #rows = new Map()
  async saveSession(address, record) {
    this.#rows.set(address.toString(), record.serialize())
  }
  async getSession(address) {
    const bytes = this.#rows.get(address.toString())
    return bytes === undefined ? null : SessionRecord.deserialize(bytes)
  }
  async getExistingSessions(addresses) {
    return Promise.all(addresses.map((address) => this.getSession(address)))
  }
}

class Identities extends IdentityKeyStore {
  #pair
  #known = new Map()
  constructor(pair) {
    super()
    this.#pair = pair
  }
  async getIdentityKey() {
    return this.#pair.privateKey
  }
  async getIdentityKeyPair() {
    return this.#pair
  }
  async getLocalRegistrationId() {
    return 5
  }
  async saveIdentity(address, key) {
    this.#known.set(address.toString(), key)
    return IdentityChange.NewOrUnchanged
  }
  async isTrustedIdentity() {
    return true
  }
  async getIdentity(address) {
    return this.#known.get(address.toString()) ?? null
  }
}

class PreKeys extends PreKeyStore {
  #rows = new Map()
  async savePreKey(id, record) {
    this.#rows.set(id, record.serialize())
  }
  async getPreKey(id) {
    return PreKeyRecord.deserialize(this.#rows.get(id))
  }
  async removePreKey(id) {
    this.#rows.delete(id)
  }
}

class SignedPreKeys extends SignedPreKeyStore {
  #rows = new Map()
  async saveSignedPreKey(id, record) {
    this.#rows.set(id, record.serialize())
  }
  async getSignedPreKey(id) {
    return SignedPreKeyRecord.deserialize(this.#rows.get(id))
  }
}

class KyberPreKeys extends KyberPreKeyStore {
  #rows = new Map()
  async saveKyberPreKey(id, record) {
    this.#rows.set(id, record.serialize())
  }
  async getKyberPreKey(id) {
    return KyberPreKeyRecord.deserialize(this.#rows.get(id))
  }
  async markKyberPreKeyUsed(id) {
    this.#rows.delete(id)
  }
}

class Person {
  constructor(name) {
    this.address = ProtocolAddress.new(name, 1)
    this.pair = IdentityKeyPair.generate()
    this.sessions = new Sessions()
    this.identities = new Identities(this.pair)
    this.preKeys = new PreKeys()
    this.signedPreKeys = new SignedPreKeys()
    this.kyberPreKeys = new KyberPreKeys()
    this.nextId = 1
    const key = PrivateKey.generate()
    this.signedSignature = this.pair.privateKey.sign(key.getPublicKey().serialize())
    this.signed = SignedPreKeyRecord.new(
      1,
      Date.now(),
      key.getPublicKey(),
      key,
      this.signedSignature,
    )
  }

  async bundle() {
    const id = this.nextId++
    const key = PrivateKey.generate()
    const kem = KEMKeyPair.generate()
    const signature = this.pair.privateKey.sign(kem.getPublicKey().serialize())
    await this.preKeys.savePreKey(id, PreKeyRecord.new(id, key.getPublicKey(), key))
    await this.signedPreKeys.saveSignedPreKey(1, this.signed)
    await this.kyberPreKeys.saveKyberPreKey(
      id,
      KyberPreKeyRecord.new(id, Date.now(), kem, signature),
    )
    return PreKeyBundle.new(
      5,
      1,
      id,
      key.getPublicKey(),
      1,
      this.signed.publicKey(),
      this.signedSignature,
      this.pair.publicKey,
      id,
      kem.getPublicKey(),
      signature,
    )
  }

  start(other, bundle) {
    return processPreKeyBundle(bundle, other.address, this.address, this.sessions, this.identities)
  }

  async encrypt(other, text) {
    const message = await signalEncrypt(
      text,
      other.address,
      this.address,
      this.sessions,
      this.identities,
    )
    return { type: message.type(), bytes: message.serialize() }
  }

  decrypt(other, { type, bytes }) {
    if (type === 3) {
      return signalDecryptPreKey(
        PreKeySignalMessage.deserialize(bytes),
        other.address,
        this.address,
        this.sessions,
        this.identities,
        this.preKeys,
        this.signedPreKeys,
        this.kyberPreKeys,
      )
    }
    return signalDecrypt(
      SignalMessage.deserialize(bytes),
      other.address,
      this.address,
      this.sessions,
      this.identities,
    )
  }
}

function side(self, other) {
  return {
    encrypt: (text) => self.encrypt(other, text),
    decrypt: (message) => self.decrypt(other, message),
    sizeOf: (message) => message.bytes.length,
  }
}

export async function pair(text) {
  const alice = new Person('alice')
  const bob = new Person('bob')
  await alice.start(bob, await bob.bundle())
  await bob.decrypt(alice, await alice.encrypt(bob, text))
  await alice.decrypt(bob, await bob.encrypt(alice, text))
  return { alice: side(alice, bob), bob: side(bob, alice) }
}

/** People who live on while sessions come and go, as they do in life. */
export function setUps() {
  const alice = new Person('alice')
  const bob = new Person('bob')
  return async (text) => {
    alice.sessions = new Sessions()
    bob.sessions = new Sessions()
    await alice.start(bob, await bob.bundle())
    return bob.decrypt(alice, await alice.encrypt(bob, text))
  }
}
