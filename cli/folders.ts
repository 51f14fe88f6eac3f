// Where things lie when no flag says so: the XDG base directories.
import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'

type Environment = Readonly<Record<string, string | undefined>>

/** The folder of a profile: --dir, else SOTTO_DIR, else $XDG_DATA_HOME/sotto/<name>. */
export function profileFolder(
  dir: string | undefined,
  environment: Environment,
  name = 'default',
): string {
  const given = dir ?? environment['SOTTO_DIR']
  if (given !== undefined && given !== '') return resolve(given)
  const data = environment['XDG_DATA_HOME']
  // The specification: a relative path is invalid and ignored.
  const base = data !== undefined && isAbsolute(data) ? data : join(homedir(), '.local', 'share')
  return join(base, 'sotto', name)
}
