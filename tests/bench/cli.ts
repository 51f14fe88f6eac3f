// What `sotto --help` costs: a script may call the program a hundred times a minute.
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { median } from './measure.ts'
import { type Plan, countOf } from './plan.ts'
import { type Figure, dearer } from './table.ts'

/** Says on its fourth stream what the process used, user and system, when it ends. */
const HOOK = `process.on('exit', () => {
  const { user, system } = process.cpuUsage()
  require('node:fs').writeSync(3, String(user + system))
})`

/** CPU microseconds of one run of node. */
function runUs(hook: string, args: readonly string[]): number {
  const ran = spawnSync(process.execPath, ['--require', hook, ...args], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  })
  const us = Number(ran.output[3])
  if (ran.status !== 0 || !(us > 0)) throw new Error(`node ${args.join(' ')} did not run`)
  return us
}

export function commandLine(plan: Plan, dir: string): readonly Figure[] {
  const hook = join(dir, 'hook.cjs')
  writeFileSync(hook, HOOK)
  const empty = join(dir, 'empty.mjs')
  writeFileSync(empty, '')
  const [ours, node]: [number[], number[]] = [[], []]
  for (let i = 0; i < countOf(plan, 30); i++) {
    ours.push(runUs(hook, ['dist/cli/main.js', '--help']))
    node.push(runUs(hook, [empty]))
  }
  return [dearer('sotto --help, beside node on an empty file', median(ours), median(node), 1.2)]
}
