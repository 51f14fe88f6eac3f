// What an entry says, for whoever shows it (SPEC.md §8). An entry is never refused for its body: a
// kind or version this build does not know, and a body that breaks its own rules, are still entries.
import { CryptoError } from '../../crypto/index.ts'
import { type AbsenceReason, absenceReason, type EntryBody } from '../log/entry.ts'
import { type TextContent, textContent } from './text.ts'

export type EntryContent =
  | ({ readonly kind: 'text' } & TextContent)
  /** "a message this version cannot show": it appears after an upgrade. */
  | { readonly kind: 'unknown'; readonly entryKind: number; readonly version: number }
  /** Its author's program wrote what the protocol forbids. */
  | { readonly kind: 'malformed'; readonly entryKind: number }
  | { readonly kind: 'absent'; readonly reason: AbsenceReason }

/** Whether this build can show entries of a kind and header version. */
export function entryKindIsKnown(kind: number, version: number): boolean {
  return version === 1 && kind === textContent.kind
}

/** The content of an entry, by its kind; `body` is a reason's number where the body is absent. */
export function readEntryContent(
  header: { readonly kind: number; readonly version: number },
  body: EntryBody | number,
): EntryContent {
  if (typeof body === 'number') return { kind: 'absent', reason: absenceReason(body) }
  if (!entryKindIsKnown(header.kind, header.version)) {
    return { kind: 'unknown', entryKind: header.kind, version: header.version }
  }
  try {
    return { kind: 'text', ...textContent.decode(body.bytes) }
  } catch (error) {
    if (error instanceof CryptoError) return { kind: 'malformed', entryKind: header.kind }
    throw error
  }
}
