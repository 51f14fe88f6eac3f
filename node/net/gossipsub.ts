// The only file that knows @libp2p/gossipsub 17.1.1: its options, and the few methods of its class that
// the adapter (libp2p-gossip.ts) leans on beyond its published interface, held by its tests.
import { StrictNoSign, TopicValidatorResult, gossipsub } from '@libp2p/gossipsub'
import type { PeerId, StreamHandler, Topology } from '@libp2p/interface'
import type { Libp2p } from 'libp2p'
import { NodeError } from '../errors.ts'
import type { GossipVerdict } from '../gossip.ts'
import { gossipId } from './gossip-id.ts'
import type { Rpc } from './gossip-rpc.ts'
import {
  GOSSIP_BEHIND_MAX_BYTES,
  GOSSIP_HAVE_FROM_BYTES,
  GOSSIP_RPC_CONTROLS_MAX,
  GOSSIP_RPC_IDS_MAX,
  GOSSIP_RPC_MAX_BYTES,
  GOSSIP_RPC_MESSAGES_MAX,
  GOSSIP_RPC_SUBSCRIPTIONS_MAX,
  GOSSIP_SEEN_MS,
  GOSSIP_STREAMS_MAX,
} from './limits.ts'

type Components = Parameters<ReturnType<typeof gossipsub>>[0]

/** What we call and replace beyond gossipsub's published interface. */
export interface Internals {
  start(): Promise<void>
  stop(): Promise<void>
  handleReceivedRpc(from: PeerId, rpc: Rpc): Promise<void>
  sendSubscriptions(toPeer: string, topics: readonly string[], subscribe: boolean): void
  reportMessageValidationResult(id: string, source: string, verdict: TopicValidatorResult): void
  readonly streamsOutbound: Map<string, { readonly rawStream?: { readonly status: string } }>
  readonly peers: ReadonlyMap<string, PeerId>
}

export const VERDICTS: Readonly<Record<GossipVerdict, TopicValidatorResult>> = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject,
}

const OPTIONS: Parameters<typeof gossipsub>[0] = {
  // No author, number or signature on a message: who wrote it is inside the encryption.
  globalSignaturePolicy: StrictNoSign,
  msgIdFn: ({ data }) => gossipId(data),
  msgIdToStrFn: (id) => Buffer.from(id).toString('base64'),
  fallbackToFloodsub: false,
  emitSelf: false,
  // To all listeners at once: a group has few of them, and most messages then travel one hop. The
  // mesh is for those that are not connected with the sender; a small one repeats less.
  floodPublish: true,
  batchPublish: true,
  D: 4,
  Dlo: 3,
  Dhi: 6,
  Dscore: 2,
  Dout: 1,
  asyncValidation: true,
  allowPublishToZeroTopicPeers: true,
  ignoreDuplicatePublishError: true,
  doPX: false,
  tagMeshPeers: false,
  runOnLimitedConnection: false,
  seenTTL: GOSSIP_SEEN_MS,
  idontwantMinDataSize: GOSSIP_HAVE_FROM_BYTES,
  maxInboundStreams: GOSSIP_STREAMS_MAX,
  maxOutboundStreams: GOSSIP_STREAMS_MAX,
  maxInboundDataLength: GOSSIP_RPC_MAX_BYTES,
  maxOutboundBufferSize: GOSSIP_BEHIND_MAX_BYTES,
  decodeRpcLimits: {
    maxSubscriptions: GOSSIP_RPC_SUBSCRIPTIONS_MAX,
    maxMessages: GOSSIP_RPC_MESSAGES_MAX,
    maxIhaveMessageIDs: GOSSIP_RPC_IDS_MAX,
    maxIwantMessageIDs: GOSSIP_RPC_IDS_MAX,
    maxIdontwantMessageIDs: GOSSIP_RPC_IDS_MAX,
    maxControlMessages: GOSSIP_RPC_CONTROLS_MAX,
    maxPeerInfos: GOSSIP_RPC_CONTROLS_MAX,
  },
  // Off: members behind one address are no attack, and rejected messages have a rule of their own.
  scoreParams: { IPColocationFactorWeight: 0, behaviourPenaltyWeight: 0, appSpecificWeight: 0 },
  scoreThresholds: { acceptPXThreshold: Number.MAX_SAFE_INTEGER },
}

export type Gossipsub = ReturnType<ReturnType<typeof gossipsub>> & Internals

/** All of libp2p that gossipsub gets to see: what it would use else is for features that are off. */
export interface Surroundings extends Pick<Libp2p, 'peerId' | 'logger'> {
  readonly registrar: {
    handle(protocol: string, handler: StreamHandler, options?: object): Promise<void>
    unhandle(protocol: string): Promise<void>
    register(protocol: string, topology: Topology): Promise<string>
    unregister(id: string): void
  }
}

/** Throws INTERNAL where the package changed under us. */
export function createGossipsub(surroundings: Surroundings): Gossipsub {
  const all = gossipsub(OPTIONS)(surroundings as unknown as Components) as Gossipsub
  const needed = [
    'handleReceivedRpc',
    'sendSubscriptions',
    'reportMessageValidationResult',
  ] as const
  for (const name of needed) {
    if (typeof all[name] !== 'function') {
      // Without them it would tell topics to whoever asks.
      throw new NodeError('INTERNAL', `this gossipsub has no ${name}`)
    }
  }
  return all
}
