// What all epochs of a lineage share (SPEC.md §20.2): a fresh epoch and those that extend it, up to
// the next fresh one. These keys hide headers, operations and the mailbox from outsiders; they open
// no content.
import { type Bytes8, type Bytes16, type Bytes32, u32, u8 } from './bytes.ts'
import { encodeBase32 } from './base32.ts'
import { hkdfExpand } from './kdf.ts'
import { label } from './labels.ts'
import { expectSecretLength } from './lengths.ts'
import { TOPIC_OVERLAP_S, TOPIC_WEEK_S } from './limits.ts'
import type { CryptoProvider } from './provider.ts'

export interface LineageKeys {
  /** hk: seals the headers of group messages. */
  readonly headerKey: Bytes32
  /** ctl: seals messages that carry operations. */
  readonly controlKey: Bytes32
  readonly topicKey: Bytes32
  readonly tagKey: Bytes32
}

/** The four keys of G, 32 bytes each. Throws ERR_CRYPTO_PARAMETER unless G has 32 bytes. */
export function deriveLineage(provider: CryptoProvider, lineage: Bytes32): LineageKeys {
  expectSecretLength(lineage)
  const key = (name: 'g-hdr' | 'g-ctl' | 'gtopic' | 'g-tag'): Uint8Array<ArrayBuffer> =>
    hkdfExpand(provider, lineage, label(name), 32)
  return {
    headerKey: key('g-hdr'),
    controlKey: key('g-ctl'),
    topicKey: key('gtopic'),
    tagKey: key('g-tag'),
  }
}

/** epochTag = HMAC(tagKey, 0x01 ‖ opId)[0..8]: names an epoch in front of a group message. */
export function epochTag(provider: CryptoProvider, tagKey: Bytes32, opId: Bytes32): Bytes8 {
  return provider.hmac(tagKey, u8(1), opId).slice(0, 8)
}

/** lineageTag = HMAC(tagKey, 0x02)[0..8]: names a lineage in front of an operations message. */
export function lineageTag(provider: CryptoProvider, tagKey: Bytes32): Bytes8 {
  return provider.hmac(tagKey, u8(2)).slice(0, 8)
}

/** capId = HMAC(tagKey, 0x03 ‖ DK)[0..8]: a device's pseudonym at the group's mailboxes. */
export function groupCapId(provider: CryptoProvider, tagKey: Bytes32, device: Bytes32): Bytes8 {
  return provider.hmac(tagKey, u8(3), device).slice(0, 8)
}

/** HMAC(tagKey, 0x04 ‖ DK)[0..16]: under which a device's frontier replaces its last one. */
export function frontierCoalesceKey(
  provider: CryptoProvider,
  tagKey: Bytes32,
  device: Bytes32,
): Bytes16 {
  return provider.hmac(tagKey, u8(4), device).slice(0, 16)
}

/** "/sotto/1/g/" ‖ base32(HMAC(topicKey, u32 week)[0..16]): 37 characters. */
export function gossipTopic(provider: CryptoProvider, topicKey: Bytes32, week: number): string {
  return `/sotto/1/g/${encodeBase32(provider.hmac(topicKey, u32(week)).slice(0, 16))}`
}

/** Number of the week that a time (Unix seconds) is in: the one whose topic is published to. */
export function topicWeek(timeS: number): number {
  return Math.floor(timeS / TOPIC_WEEK_S)
}

/** Weeks whose topics are listened to: within 24 hours of a boundary both, the present one first. */
export function topicWeeks(timeS: number): readonly number[] {
  const week = topicWeek(timeS)
  const into = timeS - week * TOPIC_WEEK_S
  if (into < TOPIC_OVERLAP_S && week > 0) return [week, week - 1]
  return into >= TOPIC_WEEK_S - TOPIC_OVERLAP_S ? [week, week + 1] : [week]
}
