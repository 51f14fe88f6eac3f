// What Node warns of while something runs, e.g. listeners that pile up on one signal.
export async function warningsOf(run: () => Promise<unknown>): Promise<readonly string[]> {
  const names: string[] = []
  const note = (warning: Error): void => void names.push(warning.name)
  process.on('warning', note)
  try {
    await run()
    // They are told on a turn of their own.
    await new Promise(setImmediate)
  } finally {
    process.off('warning', note)
  }
  return names
}
