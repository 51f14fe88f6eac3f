// sotto alone: what to do next.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { EXIT } from '../exit-codes.ts'
import { profileFolder } from '../folders.ts'
import type { Invocation } from '../tree/index.ts'

const SHORT = 'sotto: a messenger that never loses a message. See: sotto --help'

export async function run(invocation: Invocation): Promise<number> {
  const { output, global, environment } = invocation
  if (!output.onTerminal) {
    output.talk(SHORT)
    return EXIT.USAGE
  }
  const dir = profileFolder(global.dir, environment)
  if (existsSync(join(dir, 'vault.hdr'))) {
    output.line(`Your profile is in ${dir}.`)
    output.line('  sotto read --unread   what is new')
    output.line('  sotto chat WHO        talk to somebody')
    output.line('  sotto invite          a link for a friend')
    output.line('  sotto group create    a group with friends')
    output.line('  sotto status          how things are')
  } else {
    output.line('There is no profile yet. Two steps:')
    output.line('  sotto init --name YOUR_NAME   makes your keys and your address')
    output.line('  sotto invite                  makes a link for a friend')
    output.line('Or watch it work first, on this machine alone: sotto demo')
  }
  output.line('  sotto --help          everything else')
  return EXIT.OK
}
