// How much is measured: enough to be stable in the full form, under a minute in the short one.

export interface Plan {
  readonly rounds: number
  /** Rounds before them that do not count. */
  readonly warmUps: number
  /** Scales the operations of a round. */
  readonly scale: number
  readonly say: (text: string) => void
}

/** Operations of one round. */
export function countOf(plan: Plan, full: number): number {
  return Math.max(4, Math.round(full * plan.scale))
}
