// Which topics a device listens to and publishes on (SPEC.md §22.2). A topic's name says nothing and
// lasts a week; clocks that differ by less than a day still meet.
import {
  type Bytes32,
  type CryptoProvider,
  gossipTopic,
  topicWeek,
  topicWeeks,
} from '../../crypto/index.ts'
import { GOSSIP_LINEAGE_LINGER_S, GOSSIP_TOPICS_MAX } from '../group-limits.ts'

/** A lineage as far as gossip is concerned. */
export interface GossipLineage {
  readonly topicKey: Bytes32
  /** Unix seconds since which a newer lineage is sent under; undefined for one in use. */
  readonly supersededAtS: number | undefined
}

/** The topic that what is sent under a lineage is published on, at a time in Unix seconds. */
export function topicToPublish(provider: CryptoProvider, topicKey: Bytes32, timeS: number): string {
  return gossipTopic(provider, topicKey, topicWeek(timeS))
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
  for (const week of topicWeeks(timeS)) {
    for (const { topicKey } of heard) {
      if (names.size === GOSSIP_TOPICS_MAX) return [...names]
      names.add(gossipTopic(provider, topicKey, week))
    }
  }
  return [...names]
}
