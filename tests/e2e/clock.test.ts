// A wall clock that is off by ten years, on either side, in real processes: nothing is lost.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import {
  type Started,
  buildSotto,
  json,
  killAll,
  removeSotto,
  sotto,
  start,
} from '../cli/real-sotto.ts'

const TEN_YEARS_MS = 10 * 365 * 86_400_000
const SHIFT = pathToFileURL(join(import.meta.dirname, 'clock-shift.mjs')).href

let root: string
let alice: string[]
let bob: string[]

beforeAll(buildSotto)
afterAll(removeSotto)
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sotto-clock-'))
  alice = ['--dir', join(root, 'alice')]
  bob = ['--dir', join(root, 'bob')]
})
afterEach(async () => {
  killAll()
  await rm(root, { recursive: true, force: true, maxRetries: 5 })
})

const daemon = (dir: readonly string[], shiftMs = 0): Promise<Started> =>
  start(['daemon', 'run', ...dir], {
    NODE_OPTIONS: `--import ${SHIFT}`,
    SOTTO_TEST_SHIFT_MS: String(shiftMs),
  })

async function stop({ child, ended }: Started): Promise<void> {
  child.kill('SIGTERM')
  await ended
}

async function texts(who: string, dir: readonly string[]): Promise<readonly string[]> {
  const { stdout } = await sotto(['read', who, '-n', '50', '--json', ...dir])
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { readonly text: string }).text)
}

it.each([
  ['ten years ahead', TEN_YEARS_MS],
  ['ten years behind', -TEN_YEARS_MS],
])(
  'a clock %s, the receiver’s and then the sender’s: all is read, in order',
  async (_, shiftMs) => {
    const relay = await start(['relay', 'run', '--open', '--dir', join(root, 'relay')])
    const address = String(relay.ready['address'])
    await json(['init', '--name', 'Alice', '--no-passphrase', '--relay', address, ...alice])
    await json(['init', '--name', 'Bob', '--no-passphrase', '--relay', address, ...bob])
    let a = await daemon(alice)
    let b = await daemon(bob)
    const { link } = await json(['invite', ...alice])
    await json(['add', String(link), '--name', 'Alice', ...bob])
    await json(['send', 'Alice', 'one', '--wait', 'delivered', ...bob])
    // What waits at the relay is fetched by a device that believes it is another decade.
    await stop(b)
    await json(['send', 'Bob', 'two', '--wait', 'relayed', ...alice])
    b = await daemon(bob, shiftMs)
    await json(['send', 'Bob', 'three', '--wait', 'delivered', ...alice])
    await json(['send', 'Alice', 'four', '--wait', 'delivered', ...bob])
    const { warnings } = await json(['status', ...bob])
    if (shiftMs > 0) expect(JSON.stringify(warnings)).toContain('the system clock is far from')
    // A link that is made now ends in that decade: whoever makes it is told, and what to do.
    const side = shiftMs > 0 ? 'ahead of' : 'behind'
    const said = `the system clock is ${side} that of every relay: set it`
    expect(JSON.stringify(warnings)).toContain(said)
    expect((await sotto(['invite', ...bob])).stderr).toContain(`Take care: ${said}`)
    const { stdout: checked, exitCode } = await sotto(['doctor', '--json', ...bob])
    expect([JSON.parse(checked).sound, exitCode]).toEqual([false, 1])
    // And back; then the other one.
    await stop(b)
    b = await daemon(bob)
    await stop(a)
    a = await daemon(alice, shiftMs)
    await json(['send', 'Bob', 'five', '--wait', 'delivered', ...alice])
    await json(['send', 'Alice', 'six', '--wait', 'delivered', ...bob])
    await stop(a)
    a = await daemon(alice)
    await json(['send', 'Bob', 'seven', '--wait', 'delivered', ...alice])
    const all = ['one', 'two', 'three', 'four', 'five', 'six', 'seven']
    expect(await texts('Bob', alice)).toEqual(all)
    expect(await texts('Alice', bob)).toEqual(all)
    for (const dir of [alice, bob]) {
      const { stdout } = await sotto(['contact', 'list', '--json', ...dir])
      expect(JSON.parse(stdout)).toMatchObject({ state: 'ready', missing: 0, waiting: 0 })
    }
  },
)
