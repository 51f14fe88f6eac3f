// What a test asks the second implementation about the membership of a group.
export interface State {
  /** Ids in hex. */
  readonly isVoid: ReadonlySet<string>
  /** By account, in hex. */
  readonly members: ReadonlyMap<string, { readonly role: number }>
  readonly settings: number
}
export function devicesOf(state: State): readonly { readonly key: string }[]
