// The local API's door for clients: nothing here loads libp2p or the store.
export { Connection, type ConnectOptions, connect } from './client.ts'
export { callMethod, isWaiting, mayRepeat } from './methods.ts'
export { type Calls, remoteNode } from './remote-node.ts'
export { readRunFile, removeRunFile, socketPath, writeRunFile } from './run-file.ts'
export { type DaemonInfo, type NodeServer, type ServeOptions, serveNode } from './server.ts'
export { OwnerLost, closingError, isClosing, toNodeError } from './wire-errors.ts'
export { NodeError, type NodeErrorCode } from '../errors.ts'
