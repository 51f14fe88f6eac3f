// What of our groups goes over gossip (SPEC.md §22): the topics of the lineages that are in use, and
// the home hosts of members that are known.
import { type Bytes32, equalBytes, toHex } from '../../crypto/index.ts'
import { lineages } from '../group/epoch-tables.ts'
import { type GossipLineage, topicToPublish, topicsToHear } from '../group/gossip-topics.ts'
import { causalEpochs } from '../group/group-cipher.ts'
import { lineagesOf } from '../group/held-lineages.ts'
import { GOSSIP_PEERS_MAX } from '../limits.ts'
import { peers } from '../peers/peer.ts'
import { type Step, type Turn, get } from '../step.ts'
import { allGroups } from './group.ts'
import { type GroupItem, groupItems, nextGroupSequence } from './group-outbox.ts'
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

export interface Published {
  readonly messages: readonly { readonly topic: string; readonly message: Uint8Array }[]
  /** The sequence to go on from. */
  readonly next: number
}

const PUBLISH_MAX = 64

/** What was put into a group's outbox from a sequence on; undefined: nothing before now. */
export function* toPublish(turn: Turn, gid: Bytes32, from: number | undefined): Step<Published> {
  const end = yield* nextGroupSequence(gid)
  if (from === undefined || from >= end) return { messages: [], next: end }
  const nowS = Math.floor(turn.nowMs / 1000)
  const items: readonly GroupItem[] = yield* groupItems(gid, from, PUBLISH_MAX)
  const messages: { readonly topic: string; readonly message: Uint8Array }[] = []
  for (const { lineage, message } of items) {
    const keys = yield* get(lineages, { group: gid, opId: lineage })
    if (keys === undefined) continue
    messages.push({ topic: topicToPublish(turn.crypto, keys.topicKey, nowS), message })
  }
  const last = items.at(-1)
  const next = last === undefined || items.length < PUBLISH_MAX ? end : last.sequence + 1
  return { messages, next }
}
