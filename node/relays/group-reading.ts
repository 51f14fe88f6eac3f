// What one reader of a group's mailbox was shown, and whether it holds together (SPEC.md §14.8): the
// position, the places passed, and what others say of them. No I/O.
import type { Bytes8, CryptoProvider } from '../../crypto/index.ts'
import {
  type ChainClaim,
  ChainTrail,
  type ChainVerdict,
  type GroupCursor,
  type Lie,
  type RelayItem,
  type SeqSpan,
  beginReading,
  checkHead,
  passItem,
} from '../../protocol/index.ts'

/** What SUB told. */
type Told = Parameters<typeof beginReading>[1]
/** `gap`: ask again from the cursor; the relay may have dropped what is missing. */
type Gap = { readonly kind: 'gap' }

const DIFFERENT: Lie = { kind: 'lie', reason: 'it told two chains for one place' }
const WITHHELD: Lie = { kind: 'lie', reason: 'it keeps items to itself that it says it has' }

export class GroupReading {
  readonly #provider: CryptoProvider
  readonly #trail = new ChainTrail()
  #cursor: GroupCursor | undefined
  /** Where a gap was met that the relay did not explain yet. */
  #gapAt = -1

  constructor(provider: CryptoProvider, cursor: GroupCursor | undefined) {
    this.#provider = provider
    this.#cursor = cursor
    if (cursor !== undefined) this.#trail.pass(cursor)
  }

  get cursor(): GroupCursor | undefined {
    return this.#cursor
  }

  /** The relay has another queue than the one read: from its front, then. */
  restart(): void {
    this.#cursor = undefined
    this.#gapAt = -1
  }

  /** A stream begins. What is missing between the cursor and its first item is to be had elsewhere. */
  begin(told: Told): { readonly kind: 'begun'; readonly missing: SeqSpan | undefined } | Lie {
    const begun = beginReading(this.#cursor, told)
    if (begun.kind === 'lie') return begun
    return this.#pass(begun.cursor) ?? { kind: 'begun', missing: begun.missing }
  }

  /** Items came; the cursor is behind them afterwards. Those before a gap are good. */
  read(items: readonly RelayItem[]): {
    readonly good: readonly RelayItem[]
    readonly end?: Gap | Lie
  } {
    const good: RelayItem[] = []
    for (const item of items) {
      const next =
        this.#cursor === undefined ? WITHHELD : passItem(this.#provider, this.#cursor, item)
      if ('kind' in next) return { good, end: next.kind === 'gap' ? this.#gap() : next }
      const lie = this.#pass(next)
      if (lie !== undefined) return { good, end: lie }
      this.#gapAt = -1
      good.push(item)
    }
    return { good }
  }

  /** The head was reached. */
  head(told: {
    readonly incarnation: Bytes8
    readonly headSeq: number
    readonly chain: Bytes8 | undefined
  }): { readonly kind: 'same' } | Gap | Lie {
    if (this.#cursor === undefined) return WITHHELD
    const checked = checkHead(this.#cursor, told)
    return checked.kind === 'gap' ? this.#gap() : checked
  }

  /** Compares what a member, or a receipt, says of a place. `different` is proof against the relay. */
  compare(claim: ChainClaim): ChainVerdict {
    return this.#trail.compare(claim)
  }

  #pass(cursor: GroupCursor): Lie | undefined {
    this.#cursor = cursor
    return this.#trail.pass(cursor) === 'different' ? DIFFERENT : undefined
  }

  /** Met twice at one place, it is nothing that was dropped in between. */
  #gap(): Gap | Lie {
    const at = this.#cursor?.seq ?? 0
    if (this.#gapAt === at) return WITHHELD
    this.#gapAt = at
    return { kind: 'gap' }
  }
}
