// The public surface of the crypto floor: pure functions over bytes. Later floors import from here
// only; the list is explicit, so that a name's absence is a decision.
export {
  accountKeySeed,
  rendezvousMailboxId,
  rendezvousOwnerSeed,
  rendezvousRoot,
} from './account.ts'
export { ADDRESS_CHARS, encodeAddress, parseAddress } from './address.ts'
export { decodeBase32, encodeBase32 } from './base32.ts'
export { type ItemKind, type ItemPlace, openItem, sealItem } from './bundle-item.ts'
export {
  type Bytes,
  type Bytes12,
  type Bytes16,
  type Bytes24,
  type Bytes32,
  type Bytes64,
  type Bytes8,
  compareBytes,
  concat,
  copy,
  EMPTY,
  equalBytes,
  fromHex,
  lengthPrefixed,
  type Random,
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
export { type CborArray, decodeCbor, FieldReader } from './cbor.ts'
export { type CborValue, encodeCbor } from './cbor-encoder.ts'
export { type DeviceCert, encodeDeviceCert, openDeviceCert, signDeviceCert } from './device-cert.ts'
export {
  decodeDeviceList,
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
  type GroupBaseRow,
  groupBaseHash,
  groupRecipientsHash,
  groupRepairRank,
} from './group-hashes.ts'
export {
  commitLength,
  decodeGroupOp,
  encodeGroupOpCore,
  type GroupOp,
  groupOpCoreHash,
  type GroupOpFields,
  groupOpId,
  type GroupOpRef,
  type GroupOpSigner,
  isDerivedOp,
  isFreshOp,
  openGroupOp,
  signGroupOp,
} from './group-op.ts'
export {
  type AddPayload,
  type CarriagePayload,
  type CreatePayload,
  type DevicesPayload,
  GROUP_KINDS,
  GROUP_SETTINGS,
  type GroupBaseHead,
  type GroupCut,
  groupKindNumber,
  type GroupNewcomer,
  type GroupPayload,
  type GroupRelay,
  type GroupRole,
  type LeavePayload,
  type MetaPayload,
  type RefreshPayload,
  type RemovePayload,
  type RolePayload,
  type RotatePayload,
  type UnknownPayload,
} from './group-payload.ts'
export {
  type ChainStep,
  decodeGroupHeader,
  encodeGroupHeader,
  type GroupChain,
  type GroupHeader,
  type GroupSkipped,
  locateInChain,
  type ReceivePosition,
  startChain,
  stepOwnChain,
} from './group-chain.ts'
export {
  type ControlContext,
  controlHolds,
  GROUP_OPERATIONS_TYPE,
  openOperations,
  type OperationsKeys,
  operationsTag,
  sealOperations,
  signControl,
} from './group-control.ts'
export {
  commitEpoch,
  commitFreshEpoch,
  commitLineage,
  DERIVED_COMMIT_BYTES,
  derivedEpochSecret,
  deviceIndex,
  epochAddKey,
  epochChainKey,
  epochCommitHolds,
  type EpochCore,
  FRESH_COMMIT_BYTES,
  freshEpochSecret,
  lineageCommitHolds,
  lineageSecret,
} from './group-epoch.ts'
export {
  deriveLineage,
  epochTag,
  frontierCoalesceKey,
  gossipTopic,
  groupCapId,
  type LineageKeys,
  lineageTag,
  topicWeek,
  topicWeeks,
} from './group-lineage.ts'
export {
  decodeGroupMessage,
  encryptGroupMessage,
  GROUP_FRAMES_MAX_BYTES,
  GROUP_MESSAGE_TYPE,
  type GroupCandidate,
  type GroupMessage,
  groupMessageSize,
  type GroupOpening,
  type GroupReceiver,
  type GroupSender,
  openGroupHeader,
  openGroupMessage,
} from './group-message.ts'
export {
  acceptHandshake,
  type AcceptOptions,
  type OpenedIdentity,
  openIdentity,
  type ResponderSecrets,
} from './handshake-accept.ts'
export { decodeInit, handshakeId, type Init, INIT_TYPE } from './handshake-init.ts'
export type { HandshakeResult, Party } from './handshake-schedule.ts'
export {
  type HandshakeBundle,
  type HandshakeSelf,
  initiateHandshake,
  type InitiateOptions,
  type PublicPrekey,
} from './handshake.ts'
export { hchacha20 } from './hchacha.ts'
export {
  encodeInviteLink,
  type InviteCapability,
  inviteCapability,
  inviteId,
  type InviteLink,
  InviteLinkError,
  type InviteLinkFault,
  inviteLinkForQr,
  inviteProof,
  type InviteWhere,
  parseInviteLink,
  serviceKeyHash,
} from './invite-link.ts'
export { hkdf, hkdfExpand, hkdfExtract, sign, verify } from './kdf.ts'
export { type Label, label, type SignatureContext } from './labels.ts'
export { expectAeadLengths, expectSecretLength } from './lengths.ts'
export {
  ADDRESS_MAX_BYTES,
  ADDRESSES_MAX,
  CARD_LIFE_S,
  EPOCH_RECIPIENTS_MAX,
  GROUP_CHAIN_MAX_MESSAGES,
  GROUP_CHAIN_ROTATE_AT,
  GROUP_NAME_MAX_BYTES,
  GROUP_OP_MAX_BYTES,
  GROUP_OVERHEAD_BYTES,
  GROUP_PARENTS_MAX,
  GROUP_SKIPPED_MAX,
  LADDER,
  LIST_MAX_BYTES,
  LISTS_BYTES,
  MAILBOXES_MAX,
  PREKEY_LIFE_S,
  RENDEZVOUS_MAX,
  SEAL_OVERHEAD_BYTES,
} from './limits.ts'
export { decodeLinkAddress, encodeLinkAddress } from './link-address.ts'
export {
  encodeMailbox,
  encodeRendezvous,
  type Mailbox,
  readAddress,
  readMailbox,
  readRendezvous,
  type Rendezvous,
} from './mailbox-record.ts'
export { noble } from './noble.ts'
export { frameRoom, type PaddedContent, padFrames, padTo, unpad, unpadContent } from './padding.ts'
export { createPhrase, parsePhrase, phraseSeed } from './phrase.ts'
export {
  decodePqFrame,
  encodePqFrame,
  PQ_IDLE,
  type PqFrame,
  pqFrameToSend,
  pqOfferIsDue,
  type PqState,
  receivePqFrame,
} from './pq-rekey.ts'
export {
  type ExpectedPrekey,
  openPrekey,
  type Prekey,
  prekeyId,
  type PrekeyKind,
  prekeySlot,
  signPrekey,
} from './prekeys.ts'
export type { CryptoProvider } from './provider.ts'
export { decodeRatchetState, encodeRatchetState } from './ratchet-codec.ts'
export {
  ratchetCanSend,
  ratchetEncrypt,
  type RatchetEncryptOptions,
  ratchetIsExhausted,
} from './ratchet-encrypt.ts'
export {
  decodeRatchetHeader,
  decodeRatchetMessage,
  encodeRatchetHeader,
  RATCHET_TYPE,
  type RatchetHeader,
} from './ratchet-header.ts'
export {
  type OpenedHeader,
  openHeader,
  type RatchetOpened,
  type RatchetReceipt,
  ratchetReceive,
  type ReceiveOptions,
} from './ratchet-receive.ts'
export { countSkipped, dropSkipped, type RatchetState, type SkippedSeed } from './ratchet-state.ts'
export { type SafetyNumber, safetyNumber, safetyNumberMatches } from './safety-number.ts'
export {
  envelopeId,
  innerId,
  type OpenedEnvelope,
  openEnvelope,
  sealEnvelope,
  type SealKey,
  type SealTarget,
} from './seal.ts'
export {
  checkSignedObject,
  decodeSignedObject,
  type SignedObject,
  signObject,
} from './signed-object.ts'
export { createStateKey, openStateKeys, sealStateKeys, type StateKey } from './state-key.ts'
export { ed25519KeyIsStrict, signatureScalarIsReduced } from './strict-ed25519.ts'
export { checkX25519PublicKey } from './strict-x25519.ts'
export { decodeText, encodeText } from './text.ts'
export {
  openVaultHeader,
  openVaultKek,
  parseVaultHeader,
  passphraseBytes,
  scryptKek,
  sealVaultHeader,
  type VaultHeader,
  type VaultKdf,
  type VaultParameters,
} from './vault-header.ts'
export {
  indexKey,
  openStateValue,
  openValue,
  sealStateValue,
  sealValue,
  stateGeneration,
  type StateSubkey,
  type ValuePlace,
  type ValueSealer,
  vaultIndexRoot,
  type VaultRoot,
  vaultSubkey,
} from './vault-value.ts'
