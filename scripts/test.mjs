// Everything a change must pass, in one command: build, type check, lint, format, unused code,
// package shape, tests. Ends with the plain line that counts every test: a check counts as one.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
mkdirSync('build', { recursive: true })
const countsFile = 'build/test-counts.json'
rmSync(countsFile, { force: true })

const bin = (name) => `node_modules/.bin/${name}`
const folders = ['crypto', 'protocol', 'node', 'cli', 'tests']
const formatted = [...folders, 'scripts', 'examples'].filter((folder) => existsSync(folder))
const checks = [
  ['build', process.execPath, ['scripts/build.mjs', '--clean']],
  ['types of the tests', bin('tsc'), ['-b', 'tests']],
  ['lint', bin('oxlint'), ['--type-aware', '--quiet', ...folders]],
  ['format', bin('oxfmt'), ['--check', ...formatted]],
  ['unused code and dependencies', bin('knip'), []],
  ['package shape', bin('publint'), ['--strict']],
]

let passed = 0
let failed = 0
let skipped = 0
for (const [title, command, args] of checks) {
  const started = process.hrtime.bigint()
  const { status } = spawnSync(command, args, { stdio: 'inherit' })
  const seconds = Number(process.hrtime.bigint() - started) / 1e9
  console.log(`${status === 0 ? 'ok' : 'NOT OK'}  ${title} (${seconds.toFixed(1)} s)`)
  if (status === 0) passed += 1
  else failed += 1
  if (title === 'build' && status !== 0) break
}

if (failed === 0 || !process.argv.includes('--fail-fast')) {
  const run = spawnSync(
    bin('vitest'),
    ['run', ...process.argv.slice(2).filter((a) => a !== '--fail-fast')],
    {
      stdio: 'inherit',
      env: { ...process.env, SOTTO_TEST_COUNTS: countsFile },
    },
  )
  try {
    const counts = JSON.parse(readFileSync(countsFile, 'utf8'))
    passed += counts.passed
    failed += counts.failed
    skipped += counts.skipped
    if (run.status !== 0 && counts.failed === 0) failed += 1
  } catch {
    console.error('The test run left no counts: it counts as one failure.')
    failed += 1
  }
}

console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
process.exit(failed === 0 ? 0 : 1)
