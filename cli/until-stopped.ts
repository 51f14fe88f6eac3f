// Waiting for the end of what runs until it is told to stop.

/** Resolves when the signal aborts. */
export async function untilStopped(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  // A timer keeps the process alive where nothing else does, e.g. an offline node.
  const alive = setInterval(() => undefined, 60_000)
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
  clearInterval(alive)
}
