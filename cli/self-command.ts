// How to start this same program again.

/** The command, and the arguments before those of the new invocation. */
export function selfCommand(): { readonly command: string; readonly prefix: readonly string[] } {
  const [, script] = process.argv
  if (script === undefined) throw new Error('started without a script')
  return { command: process.execPath, prefix: [...process.execArgv, script] }
}
