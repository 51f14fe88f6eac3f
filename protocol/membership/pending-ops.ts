// Operations that wait for a parent (SPEC.md §19.2): bounded per group and device, for any key can
// sign one.
import { type Bytes32, type GroupOp, toHex } from '../../crypto/index.ts'
import { GROUP_PENDING_MAX, GROUP_PENDING_PER_DEVICE_MAX } from '../group-limits.ts'

interface Waiting {
  readonly op: GroupOp
  readonly device: string
}

export class PendingOps {
  readonly #waiting = new Map<string, Waiting>()
  readonly #byDevice = new Map<string, number>()
  /** Ids of those that cite an operation, held or not. */
  readonly #citing = new Map<string, Set<string>>()

  get size(): number {
    return this.#waiting.size
  }

  has(id: Bytes32): boolean {
    return this.#waiting.has(toHex(id))
  }

  ops(): readonly GroupOp[] {
    return [...this.#waiting.values()].map(({ op }) => op)
  }

  /** Those that cite an operation. */
  citing(id: Bytes32): readonly GroupOp[] {
    return [...(this.#citing.get(toHex(id)) ?? [])].flatMap((key) => {
      const waiting = this.#waiting.get(key)
      return waiting === undefined ? [] : [waiting.op]
    })
  }

  /**
   * Keeps one. `isKnown` tells devices of members from others: where the group's room is used up, one
   * of a member takes the place of the oldest of a stranger. Returns what happened.
   */
  add(
    op: GroupOp,
    isKnown: (device: Bytes32) => boolean,
  ): { readonly kept: boolean; readonly dropped: GroupOp | undefined } {
    const device = toHex(op.device)
    const refused = { kept: false, dropped: undefined }
    if ((this.#byDevice.get(device) ?? 0) >= GROUP_PENDING_PER_DEVICE_MAX) return refused
    let dropped: GroupOp | undefined
    if (this.#waiting.size >= GROUP_PENDING_MAX) {
      if (!isKnown(op.device)) return refused
      dropped = this.ops().find((other) => !isKnown(other.device))
      if (dropped === undefined) return refused
      this.remove(dropped.id)
    }
    const key = toHex(op.id)
    this.#waiting.set(key, { op, device })
    this.#byDevice.set(device, (this.#byDevice.get(device) ?? 0) + 1)
    for (const { id } of op.parents) {
      const parent = toHex(id)
      const citing = this.#citing.get(parent)
      if (citing === undefined) this.#citing.set(parent, new Set([key]))
      else citing.add(key)
    }
    return { kept: true, dropped }
  }

  remove(id: Bytes32): void {
    const key = toHex(id)
    const waiting = this.#waiting.get(key)
    if (waiting === undefined) return
    this.#waiting.delete(key)
    const left = (this.#byDevice.get(waiting.device) ?? 1) - 1
    if (left === 0) this.#byDevice.delete(waiting.device)
    else this.#byDevice.set(waiting.device, left)
    for (const parent of waiting.op.parents) {
      const cited = toHex(parent.id)
      const citing = this.#citing.get(cited)
      citing?.delete(key)
      if (citing?.size === 0) this.#citing.delete(cited)
    }
  }
}
