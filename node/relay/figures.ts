// What a relay counts of itself: for /metrics and for tests. Never by mailbox, key or address.

export interface Figures {
  connectionsOpened: number
  connectionsClosed: number
  connectionsRefused: number
  frames: number
  malformed: number
  ops: number
  failures: Record<string, number>
  stored: number
  storedBytes: number
  duplicates: number
  acknowledged: number
  groupStored: number
  replaced: number
  ringDropped: number
  tickets: number
  fetchedItems: number
  pushedItems: number
  prekeysTaken: number
  flushes: number
  flushOps: number
  flushErrors: number
  stepErrors: number
  expiryRuns: number
  subscriptionsEnded: number
}

export function zeroFigures(): Figures {
  return {
    connectionsOpened: 0,
    connectionsClosed: 0,
    connectionsRefused: 0,
    frames: 0,
    malformed: 0,
    ops: 0,
    failures: {},
    stored: 0,
    storedBytes: 0,
    duplicates: 0,
    acknowledged: 0,
    groupStored: 0,
    replaced: 0,
    ringDropped: 0,
    tickets: 0,
    fetchedItems: 0,
    pushedItems: 0,
    prekeysTaken: 0,
    flushes: 0,
    flushOps: 0,
    flushErrors: 0,
    stepErrors: 0,
    expiryRuns: 0,
    subscriptionsEnded: 0,
  }
}
