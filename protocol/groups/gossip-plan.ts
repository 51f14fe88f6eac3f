// What of our groups goes over gossip (SPEC.md §22): the topics of the lineages that are in use, and
// the home hosts of members that are known.
import { type Bytes32, equalBytes, toHex } from '../../crypto/index.ts'
import { type GossipLineage, topicsToHear } from './gossip-topics.ts'
import { causalEpochs } from '../epochs/group-cipher.ts'
import { lineagesOf } from '../epochs/held-lineages.ts'
import { GOSSIP_PEERS_MAX } from '../group-limits.ts'
import { peers } from '../peers/peer.ts'
import { type Step, type Turn, get } from '../step.ts'
import { allGroups } from './group.ts'
import { type Membership, membershipOf } from './membership.ts'

export interface GossipTopic {
  readonly topic: string
  readonly gid: Bytes32
  /** Transport keys of members' home hosts, at most 24. */
  readonly peers: readonly Bytes32[]
}

/** The topics to listen to now, and with whom each is exchanged. */
export function* gossipTopics(turn: Turn): Step<readonly GossipTopic[]> {
  const nowS = Math.floor(turn.nowMs / 1000)
  const all: (GossipLineage & { readonly gid: Bytes32 })[] = []
  const hosts = new Map<string, readonly Bytes32[]>()
  for (const { gid, standing } of yield* allGroups()) {
    const members = gid === undefined ? undefined : yield* membershipOf(turn, gid)
    if (gid === undefined || members === undefined || standing !== 'joined') continue
    const keys = yield* hostsOf(turn, members)
    if (keys.length === 0) continue
    hosts.set(toHex(gid), keys)
    for (const lineage of yield* heardLineages(turn, gid)) all.push({ ...lineage, gid })
  }
  const heard = new Set(topicsToHear(turn.crypto, all, nowS))
  const topics: GossipTopic[] = []
  for (const lineage of all) {
    for (const topic of topicsToHear(turn.crypto, [lineage], nowS)) {
      const { gid } = lineage
      if (heard.has(topic)) topics.push({ topic, gid, peers: hosts.get(toHex(gid)) ?? [] })
    }
  }
  return topics
}

function* heardLineages(turn: Turn, gid: Bytes32): Step<readonly GossipLineage[]> {
  const held = yield* causalEpochs.held(turn, gid)
  const kept = yield* lineagesOf(gid)
  return kept.map(({ opId, topicKey }) => {
    const ends = held
      .filter(({ lineage }) => equalBytes(lineage, opId))
      .map(({ freshAboveAtMs }) => freshAboveAtMs)
    const isOver = ends.length > 0 && ends.every((atMs) => atMs > 0)
    const supersededAtS = isOver ? Math.floor(Math.min(...ends) / 1000) : undefined
    return { topicKey, supersededAtS }
  })
}

function* hostsOf(turn: Turn, { devices }: Membership): Step<readonly Bytes32[]> {
  const keys: Bytes32[] = []
  for (const device of devices) {
    if (keys.length >= GOSSIP_PEERS_MAX) break
    if (equalBytes(device, turn.self.device)) continue
    const home = (yield* get(peers, device))?.endpoints.home
    if (home !== undefined) keys.push(home.transportKey)
  }
  return keys
}
