// sotto doctor: whether a profile is whole, its relays answer and the clock is right.
import type { RelayStatus, Status } from '../../node/api.ts'
import type { CheckOptions, CheckUp } from '../../node/doctor.ts'
import { formatDuration } from '../duration.ts'
import { EXIT } from '../exit-codes.ts'
import { loadNode } from '../node-door.ts'
import type { Output, Part } from '../output.ts'
import { OwnerFinder } from '../owner.ts'
import { askPassphrase, passphraseFile } from '../passphrase.ts'
import { ownerOptions, withNode } from '../session.ts'
import { terminalSafeLine } from '../terminal-safe.ts'
import type { Invocation } from '../tree/index.ts'

/** A clock that is further from a relay's is worth a word. */
const CLOCK_MAX_MS = 600_000

/** Whether a process runs the profile: then its disk cannot be checked. */
async function isRunning(invocation: Invocation): Promise<boolean> {
  const owner = await new OwnerFinder(ownerOptions(invocation)).running()
  await owner?.close()
  return owner !== undefined
}

async function checkOptions(invocation: Invocation): Promise<CheckOptions> {
  const { global, environment } = invocation
  const { dir } = ownerOptions(invocation)
  const { profileNeedsPassphrase } = await loadNode()
  if (!(await profileNeedsPassphrase(dir))) return { dir }
  return {
    dir,
    passphrase: await askPassphrase(passphraseFile(global.passphraseFile, environment)),
  }
}

function diskLines(output: Output, disk: CheckUp | undefined): readonly (readonly Part[])[] {
  if (disk === undefined)
    return [[output.advice('disk    not checked: the profile runs; `sotto daemon stop` first')]]
  const { records, batches, findings } = disk
  return [
    [`disk    ${records} records, ${batches} batches of the journal`],
    ...findings.map((text) => [{ text: `  ${terminalSafeLine(text)}`, style: 'red' } as const]),
  ]
}

function relayLine({ address, connected, trouble, clockOffsetMs }: RelayStatus): readonly Part[] {
  const state = connected ? 'answers' : trouble || 'does not answer'
  const offsetMs = clockOffsetMs ?? 0
  const side = offsetMs > 0 ? 'behind' : 'ahead of'
  const far = Math.abs(offsetMs) > CLOCK_MAX_MS
  const clock = far ? `; this clock is ${formatDuration(Math.abs(offsetMs))} ${side} its own` : ''
  const text = `relay   ${address}  ${terminalSafeLine(state)}${clock}`
  return connected && !far ? [text] : [{ text, style: 'yellow' }]
}

async function repair(invocation: Invocation): Promise<void> {
  const { repairProfile } = await loadNode()
  const { before, gone, kept } = await repairProfile(await checkOptions(invocation))
  invocation.output.record({ findings: before.findings, gone, kept }, () => [
    [`Repaired. The store as it was: ${terminalSafeLine(kept)}`],
    ...(gone.length === 0 ? [['Nothing is gone.']] : gone.map((text) => [terminalSafeLine(text)])),
  ])
  invocation.output.talk('Sessions begin anew with the next messages. Next: sotto doctor')
}

function verdict(sound: boolean, disk: CheckUp | undefined): string {
  if (!sound) return 'Not all is well.'
  return disk === undefined ? 'What was checked is well.' : 'All is well.'
}

/** Damage ends the command with 1 and leaves the profile alone; what only a network lacks with 5. */
export async function run(invocation: Invocation): Promise<number> {
  const { flags, output } = invocation
  if (flags.on('repair')) {
    await repair(invocation)
    return EXIT.OK
  }
  const running = await isRunning(invocation)
  const { checkProfile } = await loadNode()
  const disk = running ? undefined : await checkProfile(await checkOptions(invocation))
  const damaged = (disk?.findings.length ?? 0) > 0
  let status: Status | undefined
  if (!damaged) {
    await withNode(invocation, async ({ node, settle }) => {
      await settle()
      status = await node.status()
    })
  }
  const relays = status?.relays ?? []
  const warnings = status?.warnings ?? []
  const reached = relays.every(({ connected }) => connected)
  const sound = !damaged && reached && warnings.length === 0
  output.record({ sound, ...(disk === undefined ? {} : { disk }), relays, warnings }, () => [
    ...diskLines(output, disk),
    ...relays.map(relayLine),
    ...warnings.map((text) => [{ text: terminalSafeLine(text), style: 'yellow' } as const]),
    [verdict(sound, disk)],
  ])
  if (damaged) output.talk('Next: sotto doctor --repair, which works on a copy.')
  if (damaged || warnings.length > 0) return EXIT.FAILED
  return reached ? EXIT.OK : EXIT.NETWORK
}
