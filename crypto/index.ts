// The public surface of the crypto floor: pure functions over bytes. Later floors import from here
// only; the list is explicit, so that a name's absence is a decision.
export {
  accountKeySeed,
  rendezvousMailboxId,
  rendezvousOwnerSeed,
  rendezvousRoot,
} from './account.ts'
export { encodeAddress, parseAddress } from './address.ts'
export { decodeBase32, encodeBase32 } from './base32.ts'
export { type ItemKind, type ItemPlace, openItem, sealItem } from './bundle-item.ts'
export {
  type Bytes,
  type Bytes8,
  type Bytes12,
  type Bytes16,
  type Bytes24,
  type Bytes32,
  type Bytes64,
  type Random,
  EMPTY,
  compareBytes,
  concat,
  copy,
  equalBytes,
  fromHex,
  lengthPrefixed,
  readU16,
  readU32,
  readU64,
  toHex,
  u16,
  u32,
  u64,
  u8,
  wipe,
} from './bytes.ts'
export {
  type Card,
  type CardFields,
  type DeviceEndpoints,
  type ExpectedCard,
  type OfferedKey,
  openCard,
  signCard,
} from './card.ts'
export { type CborArray, type CborValue, FieldReader, decodeCbor, encodeCbor } from './cbor.ts'
export { type DeviceCert, encodeDeviceCert, openDeviceCert, signDeviceCert } from './device-cert.ts'
export {
  type DeviceList,
  type DeviceListFields,
  deviceListHash,
  findDevice,
  nextListVersion,
  openDeviceList,
  signDeviceList,
} from './device-list.ts'
export { CryptoError, type CryptoErrorCode, expectLength, malformed } from './errors.ts'
export {
  type HandshakeBundle,
  type HandshakeSelf,
  type InitiateOptions,
  type PublicPrekey,
  initiateHandshake,
} from './handshake.ts'
export {
  type AcceptOptions,
  type OpenedIdentity,
  type ResponderSecrets,
  acceptHandshake,
  openIdentity,
} from './handshake-accept.ts'
export { INIT_TYPE, type Init, decodeInit, handshakeId } from './handshake-init.ts'
export type { HandshakeResult, Party } from './handshake-schedule.ts'
export { hchacha20 } from './hchacha.ts'
export {
  type InviteCapability,
  type InviteLink,
  InviteLinkError,
  type InviteLinkFault,
  type InviteWhere,
  encodeInviteLink,
  inviteCapability,
  inviteId,
  inviteLinkForQr,
  inviteProof,
  parseInviteLink,
  serviceKeyHash,
} from './invite-link.ts'
export { hkdf, hkdfExpand, hkdfExtract, sign, verify } from './kdf.ts'
export { type Label, type SignatureContext, label } from './labels.ts'
export { expectAeadLengths, expectSecretLength } from './lengths.ts'
export {
  ADDRESSES_MAX,
  CARD_LIFE_S,
  LADDER,
  LISTS_BYTES,
  PREKEY_LIFE_S,
  SEAL_OVERHEAD_BYTES,
} from './limits.ts'
export { decodeLinkAddress, encodeLinkAddress } from './link-address.ts'
export {
  type Mailbox,
  type Rendezvous,
  encodeMailbox,
  encodeRendezvous,
  readAddress,
  readMailbox,
  readRendezvous,
} from './mailbox-record.ts'
export { noble } from './noble.ts'
export { type PaddedContent, frameRoom, padFrames, padTo, unpad, unpadContent } from './padding.ts'
export { createPhrase, parsePhrase, phraseSeed } from './phrase.ts'
export {
  PQ_IDLE,
  type PqFrame,
  type PqState,
  decodePqFrame,
  encodePqFrame,
  pqFrameToSend,
  pqOfferIsDue,
  receivePqFrame,
} from './pq-rekey.ts'
export {
  type ExpectedPrekey,
  type Prekey,
  type PrekeyKind,
  openPrekey,
  prekeyId,
  prekeySlot,
  signPrekey,
} from './prekeys.ts'
export type { CryptoProvider } from './provider.ts'
export { decodeRatchetState, encodeRatchetState } from './ratchet-codec.ts'
export {
  type RatchetEncryptOptions,
  ratchetCanSend,
  ratchetEncrypt,
  ratchetIsExhausted,
} from './ratchet-encrypt.ts'
export {
  RATCHET_TYPE,
  type RatchetHeader,
  decodeRatchetHeader,
  decodeRatchetMessage,
  encodeRatchetHeader,
} from './ratchet-header.ts'
export {
  type OpenedHeader,
  type RatchetOpened,
  type RatchetReceipt,
  type ReceiveOptions,
  openHeader,
  ratchetReceive,
} from './ratchet-receive.ts'
export { type RatchetState, type SkippedSeed, countSkipped, dropSkipped } from './ratchet-state.ts'
export { type SafetyNumber, safetyNumber, safetyNumberMatches } from './safety-number.ts'
export {
  type OpenedEnvelope,
  type SealKey,
  type SealTarget,
  envelopeId,
  innerId,
  openEnvelope,
  sealEnvelope,
} from './seal.ts'
export {
  type SignedObject,
  checkSignedObject,
  decodeSignedObject,
  signObject,
} from './signed-object.ts'
export { type StateKey, createStateKey, openStateKeys, sealStateKeys } from './state-key.ts'
export { ed25519KeyIsStrict, signatureScalarIsReduced } from './strict-ed25519.ts'
export { checkX25519PublicKey } from './strict-x25519.ts'
export { decodeText, encodeText } from './text.ts'
export {
  type VaultHeader,
  type VaultKdf,
  type VaultParameters,
  openVaultHeader,
  openVaultKek,
  parseVaultHeader,
  passphraseBytes,
  scryptKek,
  sealVaultHeader,
} from './vault-header.ts'
export {
  type StateSubkey,
  type ValuePlace,
  type ValueSealer,
  type VaultRoot,
  indexKey,
  openStateValue,
  openValue,
  sealStateValue,
  sealValue,
  stateGeneration,
  vaultIndexRoot,
  vaultSubkey,
} from './vault-value.ts'
