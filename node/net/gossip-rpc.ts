// One RPC of gossipsub, cut down to what its sender may say (SPEC.md §22.3). Pure.
import { GOSSIP_DATA_MAX_BYTES } from '../../protocol/index.ts'
import { GOSSIP_ANSWER_MESSAGES_MAX } from './limits.ts'

interface RpcMessage {
  readonly topic: string
  readonly data?: Uint8Array
  readonly from?: Uint8Array
  readonly seqno?: Uint8Array
  readonly signature?: Uint8Array
  readonly key?: Uint8Array
}

interface Control {
  readonly ihave: readonly {
    readonly topicID?: string
    readonly messageIDs: readonly Uint8Array[]
  }[]
  readonly iwant: readonly { readonly messageIDs: readonly Uint8Array[] }[]
  readonly graft: readonly { readonly topicID?: string }[]
  readonly prune: readonly {
    readonly topicID?: string
    readonly peers: readonly object[]
    readonly backoff?: number
  }[]
  readonly idontwant: readonly { readonly messageIDs: readonly Uint8Array[] }[]
}

/** As gossipsub decodes it. */
export interface Rpc {
  readonly subscriptions: readonly { readonly subscribe?: boolean; readonly topic?: string }[]
  readonly messages: readonly RpcMessage[]
  readonly control?: Control
}

export interface RpcRules {
  /** Whether a topic is exchanged with the sender. */
  readonly allows: (topic: string) => boolean
  /** Whether a message on it is looked at. */
  readonly takes: (topic: string) => boolean
  /** A message that no honest member sends. */
  readonly reject: () => void
}

/** Data of a length that occurs, and no trace of an author: what is handed on says nothing more. */
function isPlain({ data, from, seqno, signature, key }: RpcMessage): boolean {
  return (
    data !== undefined &&
    data.length > 0 &&
    data.length <= GOSSIP_DATA_MAX_BYTES &&
    [from, seqno, signature, key].every((field) => field === undefined)
  )
}

function filterControl(control: Control, rules: RpcRules): Control {
  const allowed = ({ topicID }: { readonly topicID?: string }): boolean =>
    topicID !== undefined && rules.allows(topicID)
  // All answers go into one RPC, and one that is too long would cost the asker its stream.
  let answers = GOSSIP_ANSWER_MESSAGES_MAX
  return {
    ihave: control.ihave.filter(allowed),
    iwant: control.iwant.map(({ messageIDs }) => {
      const answered = messageIDs.slice(0, answers)
      answers -= answered.length
      return { messageIDs: answered }
    }),
    graft: control.graft.filter(allowed),
    // Peers that others recommend are not asked for.
    prune: control.prune.filter(allowed).map((each) => ({ ...each, peers: [] })),
    idontwant: control.idontwant,
  }
}

export function filterRpc(rpc: Rpc, rules: RpcRules): Rpc {
  return {
    subscriptions: rpc.subscriptions.filter(
      ({ topic }) => topic !== undefined && rules.allows(topic),
    ),
    messages: rpc.messages.filter((message) => {
      if (!rules.takes(message.topic)) return false
      if (isPlain(message)) return true
      rules.reject()
      return false
    }),
    ...(rpc.control === undefined ? {} : { control: filterControl(rpc.control, rules) }),
  }
}

/** As if a peer had subscribed. */
export function subscribing(topic: string): Rpc {
  return { subscriptions: [{ topic, subscribe: true }], messages: [] }
}

/** As if a peer had unsubscribed, and left the mesh. */
export function forgetting(topic: string): Rpc {
  return {
    subscriptions: [{ topic, subscribe: false }],
    messages: [],
    control: {
      ihave: [],
      iwant: [],
      graft: [],
      prune: [{ topicID: topic, peers: [] }],
      idontwant: [],
    },
  }
}
