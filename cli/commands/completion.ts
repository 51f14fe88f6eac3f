// sotto completion: made from the command tree, so it never lags behind.
import { CliError } from '../cli-error.ts'
import { type CommandSpec, GLOBAL_FLAGS, type Invocation, TREE } from '../tree/index.ts'

interface Place {
  /** Words after `sotto`, joined by a blank. */
  readonly path: string
  readonly commands: readonly CommandSpec[]
  readonly flags: readonly string[]
}

function longFlags(spec: Pick<CommandSpec, 'flags'>): readonly string[] {
  return [...(spec.flags ?? []), ...GLOBAL_FLAGS]
    .map(({ flags }) => /--[a-z-]+/.exec(flags)?.[0] ?? '')
    .concat('--help')
}

function places(path: string, commands: readonly CommandSpec[], flags: readonly string[]): Place[] {
  const own: Place = { path, commands, flags }
  return [
    own,
    ...commands.flatMap((spec) =>
      places(`${path} ${spec.name}`.trim(), spec.commands ?? [], longFlags(spec)),
    ),
  ]
}

function allPlaces(): readonly Place[] {
  return places('', TREE, longFlags({ flags: [] }))
}

function wordsOf({ commands, flags }: Place): string {
  return [...commands.map((spec) => spec.name), ...flags].join(' ')
}

function bash(): string {
  const cases = allPlaces().map((place) => `    '${place.path}') words='${wordsOf(place)}' ;;`)
  return `# bash completion for sotto
_sotto() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path='' words='' at
  for ((at = 1; at < COMP_CWORD && at < 3; at++)); do
    [[ \${COMP_WORDS[at]} =~ ^[a-z]+$ ]] || break
    path="\${path:+$path }\${COMP_WORDS[at]}"
  done
  while :; do
    case "$path" in
${cases.map((line) => `  ${line}`).join('\n')}
    esac
    [[ -n $words || -z $path ]] && break
    [[ $path == *' '* ]] && path="\${path% *}" || path=''
  done
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _sotto sotto
`
}

function zsh(): string {
  return `#compdef sotto
autoload -U +X bashcompinit && bashcompinit
${bash()}`
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}

function fish(): string {
  const lines: string[] = ['# fish completion for sotto', 'complete -c sotto -f']
  for (const spec of TREE) {
    lines.push(
      `complete -c sotto -n __fish_use_subcommand -a ${spec.name} -d ${quoted(spec.about)}`,
    )
    const here = `-n '__fish_seen_subcommand_from ${spec.name}'`
    for (const child of spec.commands ?? []) {
      lines.push(`complete -c sotto ${here} -a ${child.name} -d ${quoted(child.about)}`)
    }
    for (const { flags, about } of [spec, ...(spec.commands ?? [])].flatMap(
      (at) => at.flags ?? [],
    )) {
      const long = /--([a-z-]+)/.exec(flags)?.[1] ?? ''
      lines.push(`complete -c sotto ${here} -l ${long} -d ${quoted(about)}`)
    }
  }
  for (const { flags, about } of GLOBAL_FLAGS) {
    lines.push(`complete -c sotto -l ${/--([a-z-]+)/.exec(flags)?.[1] ?? ''} -d ${quoted(about)}`)
  }
  return `${[...new Set(lines)].join('\n')}\n`
}

const SHELLS: Readonly<Record<string, () => string>> = { bash, zsh, fish }

export async function run({ words, output }: Invocation): Promise<void> {
  const [shell = ''] = words
  const make = Object.hasOwn(SHELLS, shell) ? SHELLS[shell] : undefined
  if (make === undefined)
    throw new CliError('USAGE', `no completions for '${shell}': bash, zsh or fish`)
  output.raw(make())
}
