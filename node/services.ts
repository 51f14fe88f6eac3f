// The services of a running node, and which of them acts on which effect.
import { type Bytes32, toHex } from '../crypto/index.ts'
import type { Effect } from '../protocol/index.ts'
import type { Bundles } from './delivery/bundles.ts'
import type { Carrier } from './delivery/carrier.ts'
import type { ReceiptTimer } from './delivery/receipt-timer.ts'
import type { DirectService } from './direct/direct-service.ts'
import type { GroupService } from './groups/group-service.ts'
import type { Courier } from './relays/courier.ts'
import type { Host } from './transport.ts'

export interface Services {
  readonly host: Host
  readonly direct: DirectService
  readonly courier: Courier
  readonly carrier: Carrier
  readonly bundles: Bundles
  readonly receipts: ReceiptTimer
  readonly groups: GroupService
}

/** What an effect needs beside a service. */
export interface EffectHooks {
  readonly publish: () => void
  readonly endpoints: (device: Bytes32) => void
  readonly receipts: (device: Bytes32) => void
  readonly retryHeld: (device: Bytes32) => void
}

/** Wakes whoever acts on the effects of a durable batch. */
export function dispatch(effects: readonly Effect[], services: Services, hooks: EffectHooks): void {
  const kicked = new Set<string>()
  for (const effect of effects) {
    switch (effect.kind) {
      case 'outbox': {
        const key = toHex(effect.device)
        if (!kicked.has(key)) services.carrier.kick(effect.device)
        kicked.add(key)
        break
      }
      case 'bundle':
        services.bundles.device(effect.device)
        break
      case 'reset':
        services.bundles.reset(effect.device)
        break
      case 'receipts':
        hooks.receipts(effect.device)
        break
      case 'endpoints':
        hooks.endpoints(effect.device)
        break
      case 'publish':
        hooks.publish()
        break
      case 'first-contact':
        services.bundles.firstContact(effect.number)
        break
      case 'group-join':
        services.bundles.joinGroup(effect.number)
        break
      case 'group':
        services.groups.kick(effect.gid)
        break
      case 'renew':
        services.bundles.renew(effect.device)
        break
      case 'seek':
        services.bundles.seek(effect.device)
        break
      case 'retry-held':
        hooks.retryHeld(effect.device)
        break
      case 'measured':
        break
    }
  }
}
