// The embedder's API: a node, a relay, and what both need. The first import fills the gaps of
// Node 20 and must stay the first. Its types need nothing but the language: the reference brings
// Symbol.asyncDispose to who compiles without it.
/// <reference lib="esnext.disposable" preserve="true" />
import './runtime.ts'

export type {
  CallOptions,
  Chat,
  Contact,
  ContactRelay,
  IncomingMessage,
  Invite,
  ListenOptions,
  Message,
  MessageState,
  Node,
  NodeEvent,
  Person,
  ReadOptions,
  RelayStatus,
  SendResult,
  Stats,
  Status,
  TimeSums,
  Warning,
  Who,
  Why,
  WhyStep,
} from './api.ts'
export type {
  Group,
  GroupAsked,
  GroupGap,
  GroupHeld,
  GroupJoin,
  GroupMember,
  GroupRole,
  Groups,
  GroupState,
  Which,
} from './api-groups.ts'
export { type ConnectOptions, connect } from './rpc/client.ts'
export { type DaemonInfo, type NodeServer, type ServeOptions, serveNode } from './rpc/server.ts'
export {
  type Bot,
  type BotContext,
  type BotHandler,
  type BotOptions,
  createBot,
  makeBot,
} from './bot.ts'
export {
  type CheckOptions,
  type CheckUp,
  checkProfile,
  type Repaired,
  repairProfile,
} from './doctor.ts'
export { createNode, type CreateNodeOptions, type RunningNode } from './create-node.ts'
export { NodeError, type NodeErrorCode } from './errors.ts'
export { checkNewFolder } from './profile/create-profile.ts'
export { initProfile, type InitProfileOptions, profileNeedsPassphrase } from './init-profile.ts'
export { createRelay, type CreateRelayOptions, markRelayRestored, type Relay } from './run-relay.ts'
export {
  createTestNetwork,
  type TestNetwork,
  type TestNodeOptions,
  type TestRelay,
} from './test-network.ts'
