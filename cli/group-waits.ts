// What a group misses and holds, in words.
import type { GroupAsked, GroupGap, GroupHeld } from '../node/api-groups.ts'
import { terminalSafeLine } from './terminal-safe.ts'

function askedText(asked: readonly GroupAsked[]): string {
  const names = new Set(asked.map(({ name, device }) => terminalSafeLine(name) || device))
  return names.size === 0 ? '' : `; asked ${[...names].join(', ')}`
}

function rangesText(ranges: readonly (readonly [number, number])[]): string {
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(', ')
}

/** `5-6 of bob missing, bob away; asked carol`. */
export function gapText(gap: GroupGap): string {
  const { name, device, from, to, irretrievable, authorAway, asked } = gap
  const whose = terminalSafeLine(name) || `device ${device}`
  const which = rangesText([[from, to]])
  if (irretrievable) return `${which} of ${whose}: everybody was asked, and nobody has it`
  return `${which} of ${whose} missing${authorAway ? `, ${whose} away` : ''}${askedText(asked)}`
}

/** `3 of bob (1-3) wait for the key of operation 0123456789abcdef; asked alice`. */
export function heldText(held: GroupHeld): string {
  const { name, device, waitsFor, operation, numbers, places, count, asked } = held
  const of = terminalSafeLine(name) || (device === '' ? 'somebody' : `device ${device}`)
  const which = numbers.length > 0 ? rangesText(numbers) : rangesText(places)
  const what = `${count} of ${of}${which === '' ? '' : ` (${which})`}`
  const waits = count === 1 ? 'waits' : 'wait'
  switch (waitsFor) {
    case 'key':
      return `${what} ${waits} for the key of operation ${operation}${askedText(asked)}`
    case 'operation': {
      const named = operation === '' ? 'an operation' : `operation ${operation}`
      return `${what} ${waits} for ${named}${askedText(asked)}`
    }
    case 'author':
      return `${what} came under old keys: ${count === 1 ? 'it is' : 'they are'} asked for anew${askedText(asked)}`
  }
}
