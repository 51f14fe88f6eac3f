// The table that the benchmark prints: what, ours, peer, ratio, goal, met or missed.

export interface Goal {
  readonly at: 'least' | 'most'
  readonly ratio: number
}

export interface Figure {
  readonly what: string
  readonly ours: string
  readonly peer: string
  /** Ours against the peer; undefined where there is no peer to hold it against. */
  readonly ratio: number | undefined
  readonly goal: Goal | undefined
}

/** Better the larger: how many times faster we are. */
export function faster(
  what: string,
  oursUs: number,
  peerUs: number | undefined,
  least?: number,
): Figure {
  return {
    what,
    ours: micros(oursUs),
    peer: peerUs === undefined ? '-' : micros(peerUs),
    ratio: peerUs === undefined ? undefined : peerUs / oursUs,
    goal: least === undefined ? undefined : { at: 'least', ratio: least },
  }
}

/** Better the smaller: how many times the peer's cost ours is. */
export function dearer(what: string, oursUs: number, peerUs: number, most?: number): Figure {
  return {
    what,
    ours: micros(oursUs),
    peer: micros(peerUs),
    ratio: oursUs / peerUs,
    goal: most === undefined ? undefined : { at: 'most', ratio: most },
  }
}

export function micros(us: number): string {
  if (us >= 10_000) return `${(us / 1000).toFixed(1)} ms`
  if (us >= 1_000) return `${(us / 1000).toFixed(2)} ms`
  return `${us.toFixed(us < 10 ? 1 : 0)} us`
}

export function verdict({ ratio, goal }: Figure): 'met' | 'missed' | '' {
  if (ratio === undefined || goal === undefined) return ''
  const holds = goal.at === 'least' ? ratio >= goal.ratio : ratio <= goal.ratio
  return holds ? 'met' : 'missed'
}

function cells(figure: Figure): readonly string[] {
  const { what, ours, peer, ratio, goal } = figure
  const sign = goal?.at === 'least' ? '>=' : '<='
  return [
    what,
    ours,
    peer,
    ratio === undefined ? '-' : `${ratio.toFixed(2)}x`,
    goal === undefined ? '-' : `${sign} ${goal.ratio}x`,
    verdict(figure),
  ]
}

const HEAD = ['what', 'ours', 'peer', 'ratio', 'goal', '']

/** A Markdown table, its columns aligned. */
export function formatTable(figures: readonly Figure[]): string {
  const rows = [HEAD, ...figures.map(cells)]
  const widths = HEAD.map((_, column) =>
    Math.max(3, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`
  const [head = [], ...body] = rows
  return [line(head), rule, ...body.map(line)].join('\n')
}
