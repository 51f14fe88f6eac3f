// What machines keep between turns to save work: things built from records, checked against them
// before each use. Losing it at any time changes nothing but the time that the next turn takes; so
// a turn that was undone, or a failed batch, needs no care here.

export interface Memory {
  get(key: string): unknown
  set(key: string, value: unknown): void
}

/** A memory that forgets everything at once: for who runs single machines. */
export const NO_MEMORY: Memory = { get: () => undefined, set: () => undefined }
