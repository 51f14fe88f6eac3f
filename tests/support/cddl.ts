// As much of CDDL (RFC 8610) as SPEC.md §23 uses: arrays with occurrences, choices, ranges, named
// groups, .size and .cbor. Reads a grammar, and says whether a value is as a rule of it demands.
import { type CborValue, decodeCbor } from '../../crypto/index.ts'

interface Entry {
  readonly min: number
  readonly max: number
  readonly type: Type
}
type Group = readonly Entry[]
type Type1 =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'range'; readonly from: number; readonly to: number }
  | { readonly kind: 'empty' }
  | { readonly kind: 'array'; readonly group: Group }
  | { readonly kind: 'type'; readonly type: Type }
  | {
      readonly kind: 'control'
      readonly base: Type1
      readonly op: string
      readonly argument: Type1
    }
type Type = readonly Type1[]

interface Rule {
  /** Its words, parted by single spaces, without comments. */
  readonly text: string
  readonly group?: Group
  readonly type?: Type
}

const TOKEN = /;.*|h''|\d+|\.\.|\.[a-z]+|[A-Za-z][A-Za-z0-9-]*|[[\](),:/=*?]|\s+|./gu
const PRELUDE: ReadonlySet<string> = new Set(['uint', 'bstr'])
const CBOR_MAX_BYTES = 262_144

function tokensOf(text: string): string[] {
  const tokens = [...text.matchAll(TOKEN)].map(([token]) => token)
  return tokens.filter((token) => !/^[\s;]/u.test(token))
}

class Parser {
  readonly #tokens: readonly string[]
  #at = 0

  constructor(text: string) {
    this.#tokens = tokensOf(text)
  }

  rules(): ReadonlyMap<string, Rule> {
    const rules = new Map<string, Rule>()
    while (this.#at < this.#tokens.length) {
      const from = this.#at
      const name = this.#name()
      this.#take('=')
      const body = this.#peek() === '(' ? { group: this.#parens() } : { type: this.#type() }
      if (rules.has(name)) throw new Error(`${name} is defined twice`)
      rules.set(name, { ...body, text: this.#tokens.slice(from, this.#at).join(' ') })
    }
    return rules
  }

  #peek(ahead = 0): string {
    return this.#tokens[this.#at + ahead] ?? 'the end'
  }

  #take(expected?: string): string {
    const token = this.#peek()
    if (expected !== undefined && token !== expected) {
      const before = this.#tokens.slice(this.#at - 8, this.#at).join(' ')
      throw new Error(`${expected} expected, not ${token}, after: ${before}`)
    }
    this.#at += 1
    return token
  }

  #name(): string {
    const name = this.#take()
    if (!/^[A-Za-z]/u.test(name)) throw new Error(`a name expected, not ${name}`)
    return name
  }

  #number(): number {
    return Number(this.#take(/^\d+$/u.test(this.#peek()) ? undefined : 'a number'))
  }

  #parens(): Group {
    this.#take('(')
    const group = this.#group(')')
    this.#take(')')
    return group
  }

  #group(end: string): Group {
    const entries: Entry[] = []
    while (this.#peek() !== end) {
      const occurs = this.#occurrence()
      if (this.#peek(1) === ':') {
        this.#name()
        this.#take(':')
      }
      entries.push({ ...occurs, type: this.#type() })
      if (this.#peek() !== end) this.#take(',')
    }
    return entries
  }

  #occurrence(): { readonly min: number; readonly max: number } {
    if (this.#peek() === '?') {
      this.#take()
      return { min: 0, max: 1 }
    }
    const isLeast = /^\d+$/u.test(this.#peek()) && this.#peek(1) === '*'
    const min = isLeast ? this.#number() : 0
    if (this.#peek() !== '*') return { min: 1, max: 1 }
    this.#take()
    return { min, max: /^\d+$/u.test(this.#peek()) ? this.#number() : Infinity }
  }

  #type(): Type {
    const choices = [this.#type1()]
    while (this.#peek() === '/') {
      this.#take()
      choices.push(this.#type1())
    }
    return choices
  }

  #type1(): Type1 {
    const base = this.#type2()
    if (!/^\.[a-z]/u.test(this.#peek())) return base
    return { kind: 'control', op: this.#take(), base, argument: this.#type2() }
  }

  #type2(): Type1 {
    const token = this.#peek()
    if (token === '[') {
      this.#take()
      const group = this.#group(']')
      this.#take(']')
      return { kind: 'array', group }
    }
    if (token === '(') {
      this.#take()
      const type = this.#type()
      this.#take(')')
      return { kind: 'type', type }
    }
    if (token === "h''") {
      this.#take()
      return { kind: 'empty' }
    }
    if (!/^\d/u.test(token)) return { kind: 'name', name: this.#name() }
    const from = this.#number()
    if (this.#peek() !== '..') return { kind: 'range', from, to: from }
    this.#take()
    return { kind: 'range', from, to: this.#number() }
  }
}

function isIn(value: number, argument: Type1): boolean {
  const range = argument.kind === 'type' ? argument.type[0] : argument
  return range?.kind === 'range' && value >= range.from && value <= range.to
}

export class Grammar {
  readonly rules: ReadonlyMap<string, Rule>

  constructor(text: string) {
    this.rules = new Parser(text).rules()
  }

  /** Names of rules that a rule uses, itself and what they use included. */
  reach(name: string): ReadonlySet<string> {
    const found = new Set<string>()
    const look = (rule: string): void => {
      if (PRELUDE.has(rule) || found.has(rule)) return
      found.add(rule)
      const body = this.rules.get(rule)
      body?.type?.forEach(inType)
      body?.group?.forEach(({ type }) => type.forEach(inType))
    }
    const inType = (type: Type1): void => {
      if (type.kind === 'name') look(type.name)
      if (type.kind === 'array') type.group.forEach((entry) => entry.type.forEach(inType))
      if (type.kind === 'type') type.type.forEach(inType)
      if (type.kind !== 'control') return
      inType(type.base)
      inType(type.argument)
    }
    look(name)
    return found
  }

  /** Whether a value is as a rule demands. */
  matches(rule: string, value: CborValue): boolean {
    return this.#name(rule, value)
  }

  #name(name: string, value: CborValue): boolean {
    if (name === 'uint') return typeof value === 'number'
    if (name === 'bstr') return value instanceof Uint8Array
    const type = this.rules.get(name)?.type
    if (type === undefined) throw new Error(`no type ${name}`)
    return this.#type(type, value)
  }

  #type(type: Type, value: CborValue): boolean {
    return type.some((one) => this.#type1(one, value))
  }

  #type1(type: Type1, value: CborValue): boolean {
    switch (type.kind) {
      case 'name':
        return this.#name(type.name, value)
      case 'range':
        return typeof value === 'number' && isIn(value, type)
      case 'empty':
        return value instanceof Uint8Array && value.length === 0
      case 'type':
        return this.#type(type.type, value)
      case 'array':
        return Array.isArray(value) && this.#ends(type.group, value, 0).has(value.length)
      case 'control':
        return this.#type1(type.base, value) && this.#control(type.op, type.argument, value)
    }
  }

  #control(op: string, argument: Type1, value: CborValue): boolean {
    if (op === '.size' && typeof value === 'number') {
      return argument.kind === 'range' && value < 256 ** argument.to
    }
    if (!(value instanceof Uint8Array)) return false
    if (op === '.size') return isIn(value.length, argument)
    if (op !== '.cbor') throw new Error(`no control ${op}`)
    try {
      return this.#type1(argument, decodeCbor(value, CBOR_MAX_BYTES))
    } catch {
      return false
    }
  }

  /** Where a group may end that begins at `from`. */
  #ends(group: Group, values: readonly CborValue[], from: number): ReadonlySet<number> {
    let ends = new Set([from])
    for (const entry of group) {
      const next = new Set<number>()
      let at = ends
      for (let count = 0; count <= entry.max && at.size > 0; count++) {
        const known = next.size
        if (count >= entry.min) for (const end of at) next.add(end)
        // What may be empty may be repeated for ever.
        if (count > entry.min && next.size === known) break
        at = new Set([...at].flatMap((index) => this.#once(entry.type, values, index)))
      }
      ends = next
    }
    return ends
  }

  #once(type: Type, values: readonly CborValue[], at: number): readonly number[] {
    const [one] = type
    const group = one?.kind === 'name' ? this.rules.get(one.name)?.group : undefined
    if (group !== undefined) return [...this.#ends(group, values, at)]
    const value = values[at]
    return value !== undefined && this.#type(type, value) ? [at + 1] : []
  }
}
