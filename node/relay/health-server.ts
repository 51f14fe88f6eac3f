// /healthz, /readyz and /metrics of a relay, on a loopback port (SPEC.md §12.6). prom-client is
// loaded with the server only. No label names a mailbox, a key or an address.
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from 'prom-client'
import { NodeError } from '../errors.ts'
import type { Figures } from './figures.ts'
import type { RelayService } from './relay-service.ts'

export interface HealthServer {
  readonly port: number
  close(): Promise<void>
}

type CountedFigure = Exclude<keyof Figures, 'failures'>

const COUNTERS: Readonly<Record<CountedFigure, string>> = {
  connectionsOpened: 'Connections accepted',
  connectionsClosed: 'Connections closed',
  connectionsRefused: 'Connections refused by limits or while draining',
  frames: 'Request frames received',
  malformed: 'Frames that could not be decoded',
  ops: 'Operations received',
  stored: 'Deposits stored',
  storedBytes: 'Bytes of envelopes stored',
  duplicates: 'Deposits that were there already',
  acknowledged: 'Rows acknowledged by their owners',
  groupStored: 'Deposits stored in mailboxes of groups, of all stored',
  replaced: 'Rows replaced by their depositors',
  ringDropped: 'Rows of groups dropped beyond their hold to make room',
  tickets: 'Tickets made for mailboxes of groups',
  fetchedItems: 'Items handed out by FETCH',
  pushedItems: 'Items pushed to subscribers',
  prekeysTaken: 'PREKEY.TAKE answered',
  flushes: 'Group commits',
  flushOps: 'Operations in group commits',
  flushErrors: 'Failed group commits and reopenings',
  stepErrors: 'Operations undone by an error',
  expiryRuns: 'Steps of the sweeper',
  subscriptionsEnded: 'Subscriptions ended',
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

async function buildRegistry(service: RelayService, diskBytes: () => number): Promise<Registry> {
  // A CommonJS module: bundled, its names are those of its default export only.
  const { default: client } = await import('prom-client')
  const { Counter, Gauge, Registry } = client
  const registry = new Registry()
  const registers = [registry]
  for (const [name, help] of Object.entries(COUNTERS)) {
    const counter = new Counter({
      name: `sotto_relay_${snake(name)}_total`,
      help,
      registers,
      collect() {
        counter.reset()
        counter.inc(service.figures[name as CountedFigure])
      },
    })
  }
  const failures = new Counter({
    name: 'sotto_relay_failures_total',
    help: 'Operations refused, by status',
    labelNames: ['status'],
    registers,
    collect() {
      failures.reset()
      for (const [status, count] of Object.entries(service.figures.failures)) {
        failures.inc({ status }, count)
      }
    },
  })
  const gauges: Readonly<Record<string, readonly [help: string, read: () => number]>> = {
    connections: ['Connections open', () => service.connections],
    subscriptions: ['Mailboxes subscribed to', () => service.subscriptions],
    queued_ops: ['Operations waiting for a flush', () => service.queuedOps],
    disk_bytes: ['Bytes of the store', diskBytes],
    ready: ['1 while deposits are taken', () => (service.ready ? 1 : 0)],
  }
  for (const [name, [help, read]] of Object.entries(gauges)) {
    const gauge = new Gauge({
      name: `sotto_relay_${name}`,
      help,
      registers,
      collect() {
        gauge.set(read())
      },
    })
  }
  return registry
}

/** Listens on 127.0.0.1; port 0 takes a free one. Rejects with PORT_IN_USE. */
export async function startHealthServer(
  service: RelayService,
  port: number,
  diskBytes: () => number,
): Promise<HealthServer> {
  const registry = await buildRegistry(service, diskBytes)
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url?.split('?')[0]
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405).end()
    } else if (path === '/healthz') {
      response.writeHead(200, { 'content-type': 'text/plain' }).end('ok\n')
    } else if (path === '/readyz') {
      const { ready } = service
      response.writeHead(ready ? 200 : 503).end(ready ? 'ready\n' : 'not ready\n')
    } else if (path === '/metrics') {
      const text = await registry.metrics()
      response.writeHead(200, { 'content-type': registry.contentType }).end(text)
    } else {
      response.writeHead(404).end()
    }
  }
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : new Error(String(error)))
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: Error & { readonly code?: string }) => {
      reject(
        cause.code === 'EADDRINUSE'
          ? new NodeError('PORT_IN_USE', `port ${port} is taken`, {
              hint: 'choose another port for health and metrics',
              cause,
            })
          : cause,
      )
    })
    server.listen(port, '127.0.0.1', resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve, reject) => {
        server.closeAllConnections()
        server.close((error) => (error === undefined ? resolve() : reject(error)))
      }),
  }
}
