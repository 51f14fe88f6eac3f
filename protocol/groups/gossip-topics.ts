// Which topics a device listens to and publishes on (SPEC.md §22.2). A topic's name says nothing and
// lasts a week; clocks that differ by less than a day still meet.
import { type Bytes32, type CryptoProvider, encodeBase32, u32 } from '../../crypto/index.ts'
import { GOSSIP_LINEAGE_LINGER_S, GOSSIP_TOPICS_MAX } from '../group-limits.ts'

const WEEK_S: number = 7 * 86_400
const OVERLAP_S = 86_400

/** A lineage as far as gossip is concerned. */
export interface GossipLineage {
  readonly topicKey: Bytes32
  /** Unix seconds since which a newer lineage is sent under; undefined for one in use. */
  readonly supersededAtS: number | undefined
}

/** "/sotto/1/g/" ‖ base32(HMAC(topicKey, u32 week)[0..16]): 37 characters. */
function topicName(provider: CryptoProvider, topicKey: Bytes32, week: number): string {
  return `/sotto/1/g/${encodeBase32(provider.hmac(topicKey, u32(week)).slice(0, 16))}`
}

function weekOf(timeS: number): number {
  return Math.floor(timeS / WEEK_S)
}

/** The week beside the present one that is listened to as well: within a day of the boundary. */
function neighbourOf(timeS: number): number | undefined {
  const week = weekOf(timeS)
  const intoS = timeS - week * WEEK_S
  if (intoS < OVERLAP_S) return week > 0 ? week - 1 : undefined
  return intoS >= WEEK_S - OVERLAP_S ? week + 1 : undefined
}

/** The topic that what is sent under a lineage is published on, at a time in Unix seconds. */
export function topicToPublish(provider: CryptoProvider, topicKey: Bytes32, timeS: number): string {
  return topicName(provider, topicKey, weekOf(timeS))
}

/**
 * The topics to listen to at a time in Unix seconds, at most 32. Lineages of all groups come most
 * recently active first; where they are too many the present week goes before its neighbour, and
 * a group that has been quiet for longer is followed by its mailbox alone.
 */
export function topicsToHear(
  provider: CryptoProvider,
  lineages: readonly GossipLineage[],
  timeS: number,
): readonly string[] {
  const heard = lineages.filter(
    ({ supersededAtS }) =>
      supersededAtS === undefined || timeS < supersededAtS + GOSSIP_LINEAGE_LINGER_S,
  )
  const names = new Set<string>()
  for (const week of [weekOf(timeS), neighbourOf(timeS)]) {
    if (week === undefined) continue
    for (const { topicKey } of heard) {
      if (names.size === GOSSIP_TOPICS_MAX) return [...names]
      names.add(topicName(provider, topicKey, week))
    }
  }
  return [...names]
}
