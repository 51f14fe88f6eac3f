#!/usr/bin/env node
// Entry of the command line. It imports only the parser; everything else is loaded when it is used.
import { parse } from './program.ts'

const argv = process.argv.slice(2)
const parsed = parse(argv, (text) => process.stdout.write(text))
if (parsed.kind !== 'shown') {
  const { execute } = await import('./execute.ts')
  await execute(parsed, argv)
}
